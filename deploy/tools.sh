# shellcheck shell=bash disable=SC2034  # the variables are for who sources this
# Where the pinned tools are that deploy/install.sh --tests makes. To be sourced.
# A tool's folder carries its version, so that two checkouts with different pins live side by side.

cairn_tools=${XDG_CACHE_HOME:-$HOME/.cache}/cairn-tools
grpcurl_version=1.8.9 # the newest that Debian 12's Go builds
requirements=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../tests/requirements")

# environment_of NAME: the virtual environment that tests/requirements/NAME.txt pins.
environment_of() {
  echo "$cairn_tools/$1-$(sha256sum <"$requirements/$1.txt" | cut -c1-12)"
}

tensorflow_python=$(environment_of tensorflow)/bin/python
linters=$(environment_of linters)/bin # buf, clang-format, clang-tidy, ruff
grpcurl_folder=$cairn_tools/grpcurl-$grpcurl_version
