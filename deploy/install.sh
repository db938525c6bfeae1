#!/usr/bin/env bash
# Installs what Cairn needs and this Debian 12 machine lacks. Does nothing where all is there.
#
#   deploy/install.sh           the compiler, Bazel and the libraries: enough to build and to run
#   deploy/install.sh --tests   also what the tests need: two TensorFlows, grpcurl, linters
#
# Packages come from apt (as root or with sudo), tools go into ~/.cache/cairn-tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=deploy/tools.sh
source deploy/tools.sh

# Compiled and linked against: their versions are part of every build's cache key, and therefore the
# same with and without --tests.
libraries=(
  g++ libgrpc++-dev libgrpc-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  librocksdb-dev libleveldb-dev libsnappy-dev libabsl-dev libssl-dev libxxhash-dev libisal-dev
  libre2-dev libspdlog-dev libfmt-dev libcli11-dev nlohmann-json3-dev
  libgtest-dev libgmock-dev libbenchmark-dev
)
build_packages=(bazel-bootstrap bazel-rules-java bazel-rules-proto git ca-certificates python3)
test_packages=(clang libclang-rt-14-dev python3-venv shellcheck)

main() {
  local packages=("${libraries[@]}" "${build_packages[@]}")
  case "${1-}" in
    '') install_packages "${packages[@]}" ;;
    --tests)
      # A Go of another origin is as good, and Debian's may conflict with it.
      command -v go >/dev/null || test_packages+=(golang-go)
      install_packages "${packages[@]}" "${test_packages[@]}"
      make_tools
      ;;
    --help | -h) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
    *)
      echo "install.sh: unknown argument '$1'; see --help" >&2
      return 2
      ;;
  esac
  case "${1-}" in '' | --tests) record_library_versions ;; esac
}

install_packages() {
  local missing
  missing=$(comm -23 <(printf '%s\n' "$@" | sort -u) <(installed "$@"))
  [ -n "$missing" ] || return 0
  echo "install.sh: installing $(wc -w <<<"$missing") packages with apt-get" >&2
  as_root apt-get update -qq >/dev/null
  # shellcheck disable=SC2086  # package names hold no spaces
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq --yes --no-install-recommends -o Dpkg::Use-Pty=0 $missing >/dev/null
}

installed() {
  dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
    awk '$2 == "installed" {print $1}' | sort -u
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "install.sh: '$*' needs root: run as root, or install sudo" >&2
    return 1
  fi
}

# The tools are made under a lock, and the mark that says "whole" comes last: an interrupted or a
# second, simultaneous run never leaves half a tool that looks like one.
make_tools() {
  mkdir -p "$cairn_tools"
  exec 9>"$cairn_tools/.lock"
  flock 9
  local environment
  for environment in tensorflow tensorflow-2.15 linters; do
    make_tool "$(environment_of "$environment")" make_python_environment "$environment"
  done
  make_tool "$grpcurl_folder" make_grpcurl
  exec 9>&-
}

make_tool() { # FOLDER COMMAND...: runs COMMAND... FOLDER unless it has succeeded before
  local folder=$1
  shift
  [ ! -e "$folder/.whole" ] || return 0
  echo "install.sh: making $folder" >&2
  rm -rf "$folder"
  "$@" "$folder" >&2
  touch "$folder/.whole"
}

make_python_environment() { # NAME FOLDER
  # Debian's own Python, whatever else is on the PATH: the pins are for its version.
  /usr/bin/python3 -m venv "$2"
  "$2/bin/python" -m pip install --quiet --disable-pip-version-check \
    --requirement "tests/requirements/$1.txt"
}

make_grpcurl() { # FOLDER
  mkdir -p "$1"
  GOBIN=$1 GOPATH=$1/gopath GOFLAGS='-mod=mod -modcacherw' \
    go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@v$grpcurl_version"
  rm -rf "$1/gopath"
}

# Bazel does not see system headers and libraries: without their versions in the cache key, objects
# from before an upgrade would answer for the new ones.
record_library_versions() {
  local versions line
  versions=$(dpkg-query -W -f='${Package} ${Version}\n' "${libraries[@]}")
  line="build --action_env=CAIRN_LIBRARIES=$(sort <<<"$versions" | sha256sum | cut -c1-16)"
  if ! grep -qsxF "$line" user.bazelrc; then
    { grep -sv CAIRN_LIBRARIES user.bazelrc || true; echo "$line"; } >user.bazelrc.new
    mv user.bazelrc.new user.bazelrc
  fi
}

main "$@"
