"""The project's own rules for its sources: which folder may include what, and how large things get.

Usage: rules.py. Checks every file that git tracks and prints `FILE:LINE: what is wrong; what to do
instead`, one line each; the exit status is 1 if there was any. ARCHITECTURE.md says why the folders
depend on each other in one direction only.
"""

import ast
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70


class Rule(NamedTuple):
    """What matches `pattern` may stand only in files that match `allowed`."""

    pattern: str
    allowed: str
    instead: str
    files: str = r"\.(cc|h)$"


# Patterns are searched in what an #include names.
INCLUDE_RULES = (
    Rule(
        r"^rocksdb/",
        r"^storage/engine/rocksdb/",
        "go through storage/engine/table.h or segment_store.h",
    ),
    Rule(r"^leveldb/", r"^formats/tensor_bundle/", "go through formats/tensor_bundle"),
    Rule(
        r"^(grpcpp|grpc)/|\.grpc\.pb\.h$",
        r"^(server|client|base/rpc|tests)/",
        "return an absl::Status and let server, client or base/rpc speak gRPC",
    ),
    Rule(r"^spdlog/", r"^base/logging\.cc$", "use base/logging.h"),
    Rule(
        r"^CLI/",
        r"^(server/cairnd_main\.cc$|client/cli/|tests/benchmarks/)",
        "parse arguments in the program's own file",
    ),
    Rule(
        r"^isa-l", r"^base/crc32c\.cc$", "use base/crc32c.h, which leaves the AVX-512 state clean"
    ),
    Rule(
        r"^absl/synchronization/",
        r"^$",
        "use base/mutex.h: Debian's absl::Mutex confuses ThreadSanitizer",
    ),
    Rule(r"^tests/", r"^tests/", "move what is shared to where it belongs, for instance base"),
    Rule(
        r"^cairn/v1/(?!error_detail|.*\.grpc\.pb\.h$)",
        r"^(server|client|proto|tests|base/rpc)/",
        "use a type of your own: only server and client speak the API's messages",
    ),
    Rule(r"^cairn/storage/", r"^(storage|proto|tests)/", "ask storage/store.h for it"),
    Rule(r"^(client)/", r"^(client|tests)/", "nothing depends on the client but its command"),
    Rule(r"^client/cli/", r"^(client/cli|tests)/", "move what is shared to client"),
    Rule(r"^server/", r"^(server|tests)/", "talk to the server through proto/cairn/v1"),
    Rule(r"^storage/", r"^(storage|server|tests)/", "talk to the server through proto/cairn/v1"),
    Rule(
        r"^formats/(?!object_graph/)",
        r"^(formats|client|tests)/",
        "leave file formats to the client; the server knows formats/object_graph alone",
    ),
    Rule(r"^formats/object_graph/", r"^(formats|client|server|tests)/", "storage knows no format"),
)

# Patterns are searched in the code of a line, without its comment.
CODE_RULES = (
    Rule(
        r"\bstd::string_view\b",
        r"^$",
        "write absl::string_view, which is another type on Debian",
        r"\.h$",
    ),
    Rule(r"\babsl::(Mutex|MutexLock|Notification|BlockingCounter)\b", r"^$", "use base/mutex.h"),
    Rule(
        r"\bsystem_clock\b|\babsl::Now\(|\btime\((nullptr|NULL|0)\)|\bgettimeofday\(|\bCLOCK_REALTIME\b",
        r"^base/clock(_test)?\.cc$",
        "ask a Clock (base/clock.h), which tests can turn",
    ),
)

POSTPONED = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
NOT_A_FUNCTION = re.compile(r"^\s*(namespace|class|struct|enum|union|extern)\b")


def check_file(path: str, text: str) -> Iterator[str]:
    """Yields what is wrong in the file at `path` (relative to the project's root)."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        for what, instead in check_line(path, line):
            yield f"{path}:{number}: {what}; {instead}"
    if len(lines) > MAX_FILE_LINES:
        yield f"{path}:1: {len(lines)} lines, more than {MAX_FILE_LINES}; split it by purpose"
    for number, length in functions(path, lines, text):
        if length > MAX_FUNCTION_LINES:
            yield (
                f"{path}:{number}: a function of {length} lines, more than {MAX_FUNCTION_LINES}; "
                "give its steps names and functions of their own"
            )


def check_line(path: str, line: str) -> Iterator[tuple[str, str]]:
    if word := POSTPONED.search(line):
        yield f"'{word.group()}'", "do it now, or write an issue"
    if include := INCLUDE.match(line):
        for rule in INCLUDE_RULES:
            if breaks(rule, path, include.group(1)):
                yield f"includes {include.group(1)}", rule.instead
    else:
        code = line.split("//")[0]
        for rule in CODE_RULES:
            if breaks(rule, path, code):
                yield f"'{re.search(rule.pattern, code).group()}'", rule.instead


def breaks(rule: Rule, path: str, text: str) -> bool:
    return bool(
        re.search(rule.files, path)
        and re.search(rule.pattern, text)
        and not re.search(rule.allowed, path)
    )


def functions(path: str, lines: list[str], text: str) -> Iterator[tuple[int, int]]:
    """Yields the first line and the number of lines of each function."""
    if path.endswith(".py"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node.lineno, node.end_lineno - node.lineno + 1
    else:
        yield from braced_blocks(lines)


def braced_blocks(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Finds functions by the formatter's indentation: at the margin, or of a class.

    Blocks inside a function are found too, which does no harm: they are shorter than it.
    """
    for start, line in enumerate(lines):
        if not line.endswith("{"):
            continue
        first = start  # A signature may take several lines: go back to where its statement begins.
        while first > 0 and not re.search(r"^\s*$|[;{}:]$|^\s*(//|#)", lines[first - 1]):
            first -= 1
        indent = len(lines[first]) - len(lines[first].lstrip())
        statement = "".join(lines[first : start + 1])
        if indent > 2 or "(" not in statement or NOT_A_FUNCTION.match(statement):
            continue
        end = " " * indent + "}"
        last = next((i for i in range(start + 1, len(lines)) if lines[i].startswith(end)), None)
        if last is not None:
            yield first + 1, last - first + 1


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "*.cc", "*.h", "*.py", "*.sh", "*.proto", "*.bzl"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    problems = []
    for path in filter(None, tracked):
        if (root / path).exists():  # Not if it is deleted and that is not committed yet.
            problems += check_file(path, (root / path).read_text(encoding="utf-8"))
    print(*problems, sep="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
