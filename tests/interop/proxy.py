"""A wire between command and server that counts what passes, and breaks when it is told to."""

import contextlib
import socket
import threading


class Proxy:
    """Forwards every connection to `server`, whose address is asked for each time.

    With cut_after, all connections are reset once when so many bytes went to the server.
    """

    def __init__(self, server):
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.bytes_to_server = 0
        self.cut_after: int | None = None
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self):
        self._listener.close()
        self._reset()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            host, port = self._server.address.rsplit(":", 1)
            try:
                far = socket.create_connection((host, int(port)), timeout=10)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            threading.Thread(target=self._serve, args=(near, far), daemon=True).start()

    def _serve(self, near, far):
        with near, far:
            with self._lock:
                self._open |= {near, far}
            back = threading.Thread(target=self._forward, args=(far, near, False), daemon=True)
            back.start()
            self._forward(near, far, True)
            back.join()
            with self._lock:
                self._open -= {near, far}

    def _forward(self, source, sink, counted):
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 18):
                sink.sendall(block)
                if counted and self._count(len(block)):
                    self._reset()
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _count(self, size) -> bool:
        """Whether it is time to break."""
        with self._lock:
            self.bytes_to_server += size
            due = self.cut_after is not None and self.bytes_to_server >= self.cut_after
            if due:
                self.cut_after = None
                self.cuts += 1
            return due

    def _reset(self):
        with self._lock:
            ends = list(self._open)
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
