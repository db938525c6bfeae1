#!/usr/bin/env bash
# Builds Cairn, starts a server and shows it at work with a checkpoint that TensorFlow wrote.
#
#   deploy/quickstart.sh [--port PORT] [--data FOLDER] [--once]
#
#   --port PORT     listen on 127.0.0.1:PORT; 0 takes a free one (default 7070)
#   --data FOLDER   keep the store there (default ./cairn-data); it may hold one already
#   --once          end after the demonstration; the exit status says whether it worked
#
# Installs what is missing (as root or with sudo). Without --once the server runs until Ctrl-C or
# SIGTERM, which stops it cleanly.
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

port=7070
data=$here/cairn-data
once=no
server_pid=
scratch=
readonly cairn=$PWD/bazel-bin/client/cli/cairn cairnd=$PWD/bazel-bin/server/cairnd

main() {
  parse_arguments "$@"
  deploy/install.sh
  say "Building (the first time takes some minutes)"
  bazel build --compilation_mode=opt //server:cairnd //client/cli:cairn
  scratch=$(mktemp -d)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  start_server
  demonstrate
  show_next_steps
  echo "READY $CAIRN_SERVER"
  [ "$once" = yes ] || serve_until_stopped
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case "$1" in
      --help | -h)
        sed -n '2,11s/^# \{0,1\}//p' deploy/quickstart.sh
        exit 0
        ;;
      --once) once=yes ;;
      --port | --data)
        [ $# -ge 2 ] || usage "$1 needs a value"
        set_option "${1#--}" "$2"
        shift
        ;;
      --port=* | --data=*)
        local option=${1%%=*}
        set_option "${option#--}" "${1#*=}"
        ;;
      *) usage "unknown argument '$1'" ;;
    esac
    shift
  done
}

set_option() { # NAME VALUE
  case "$1" in
    port)
      if ! [[ $2 =~ ^[0-9]{1,5}$ && $((10#$2)) -le 65535 ]]; then
        usage "--port takes a number from 0 to 65535, not '$2'"
      fi
      port=$2
      ;;
    data)
      [ -n "$2" ] || usage "--data takes a folder"
      data=$(cd "$here" && realpath -m -- "$2")
      ;;
  esac
}

usage() {
  echo "quickstart.sh: $1; see deploy/quickstart.sh --help" >&2
  exit 2
}

say() { printf '\n== %s\n' "$1"; }

# Shows a command as the user would type it, then runs it.
show() {
  printf '\n$ cairn %s\n' "$*"
  "$cairn" "$@"
}

start_server() {
  say "Starting cairnd with its data in $data"
  mkdir -p "$data"
  touch "$scratch/server.out" # it is read before the server may have made it
  "$cairnd" --listen="127.0.0.1:$port" --data="$data" >"$scratch/server.out" 2>"$scratch/server.err" &
  server_pid=$!
  local address=
  for ((i = 0; i < 300; ++i)); do
    address=$(sed -n 's/^READY //p' "$scratch/server.out")
    [ -z "$address" ] || break
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.1
  done
  if [ -z "$address" ]; then
    cat "$scratch/server.err" >&2
    echo "quickstart.sh: cairnd did not start; its own words are above" >&2
    exit 1
  fi
  export CAIRN_SERVER=$address
  echo "cairnd serves on $address"
}

demonstrate() {
  say "A checkpoint of a Keras model with Adam, written by TensorFlow: save it"
  # Running this twice is fine: the second time the checkpoint takes the place of the first.
  local reference save=(save tests/golden/keras_adam/ckpt-10 quickstart/mnist --replace)
  printf '\n$ cairn %s\n' "${save[*]}"
  reference=$("$cairn" "${save[@]}")
  echo "$reference"

  say "List"
  show ls
  show ls quickstart/mnist
  list_with_grpcurl

  say "Look inside"
  show latest quickstart/mnist
  show show "$reference" --prefix model --values

  say "Restore a part of it into files that TensorFlow loads"
  show restore "$reference" --output "$scratch/part/ckpt-10" --prefix model
  ls -l "$scratch/part"
}

list_with_grpcurl() {
  local request='{"directory":"quickstart/mnist"}' call=cairn.v1.CheckpointService/ListCheckpoints
  printf "\n\$ grpcurl -plaintext -d '%s' %s %s\n" "$request" "$CAIRN_SERVER" "$call"
  # shellcheck source=deploy/tools.sh
  source deploy/tools.sh
  local grpcurl
  if grpcurl=$(PATH="$PATH:$grpcurl_folder" command -v grpcurl); then
    "$grpcurl" -plaintext -d "$request" "$CAIRN_SERVER" "$call"
  else
    echo "(no grpcurl here: this is what it is called with)"
  fi
}

show_next_steps() {
  say "What to type next"
  cat <<TEXT
export CAIRN_SERVER=$CAIRN_SERVER PATH="$(dirname "$cairn"):\$PATH"
cairn save CHECKPOINT_PREFIX my/run        # a prefix, a folder with a 'checkpoint' file, a SavedModel
cairn ls my/run
cairn restore my/run@latest --output /tmp/back/ckpt
TEXT
}

# Being told to stop is how this is meant to end; a server that ends by itself is a failure.
serve_until_stopped() {
  trap 'exit 0' INT TERM
  echo "Serving until Ctrl-C."
  local status=0
  wait "$server_pid" || status=$?
  cat "$scratch/server.err" >&2
  echo "quickstart.sh: cairnd ended by itself with status $status" >&2
  exit 1
}

clean_up() {
  local status=$?
  trap - INT TERM
  if [ -n "$server_pid" ] && kill -TERM "$server_pid" 2>/dev/null; then
    wait "$server_pid" || {
      echo "quickstart.sh: cairnd did not stop cleanly" >&2
      status=1
    }
  fi
  rm -rf "$scratch"
  exit "$status"
}

main "$@"
