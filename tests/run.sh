#!/usr/bin/env bash
# Runs every test of Cairn and ends with the line "N passed, N failed, N skipped".
#
#   tests/run.sh [--full] [--fuzz-seconds N] [PART...]
#
#   --full            clang-tidy too, which takes some more minutes
#   --fuzz-seconds N  for each fuzzer, 60 by default
#   PART      only that; several may be given, the default is all of the first five:
#             lint          clang-format, ruff, shellcheck, buf lint, the project's own rules
#             unit          bazel test //...
#             sanitizers    the same with address and undefined behaviour sanitizers, where bytes
#                           and memory are handled: base, formats, server, storage, tests/fuzz
#             fuzz          libFuzzer, each target of tests/fuzz for a minute
#             interop       programs against a real server, with TensorFlow and grpcurl
#             interop/NAME  one of them: tests/interop/NAME_test.py
#             //LABEL       Bazel test targets, e.g. //storage/...
#
# Installs what is missing (as root or with sudo). What is counted are linters, test targets (once
# for each configuration) and programs. A test that cannot run has failed; nothing is skipped.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=deploy/tools.sh
source deploy/tools.sh

readonly sanitized=(//base/... //formats/... //server/... //storage/... //tests/fuzz/...)
full=no
fuzz_seconds=60
parts=()
scratch=$(mktemp -d)
readonly results=$scratch/results # one line each: passed|failed|skipped NAME
: >"$results"
trap 'rm -rf "$scratch"' EXIT

main() {
  while [ $# -gt 0 ]; do
    case "$1" in
      --help | -h)
        sed -n '2,20s/^# \{0,1\}//p' tests/run.sh
        exit 0
        ;;
      --full) full=yes ;;
      --fuzz-seconds)
        [[ "${2-}" =~ ^[1-9][0-9]*$ ]] || usage_error "--fuzz-seconds wants a number, not '${2-}'"
        fuzz_seconds=$2
        shift
        ;;
      lint | unit | sanitizers | fuzz | interop | interop/?* | //?*) parts+=("$1") ;;
      *) usage_error "unknown argument '$1'" ;;
    esac
    shift
  done
  [ ${#parts[@]} -gt 0 ] || parts=(lint unit sanitizers fuzz interop)

  if deploy/install.sh --tests; then
    for part in "${parts[@]}"; do run_part "$part"; done
  else
    record failed "deploy/install.sh --tests"
  fi
  summarize
}

usage_error() { # MESSAGE
  echo "run.sh: $1; see tests/run.sh --help" >&2
  exit 2
}

run_part() {
  heading "$1"
  case "$1" in
    lint) run_linters ;;
    unit) run_targets unit //... ;;
    sanitizers) run_targets sanitizers "${sanitized[@]}" --config=asan --config=ubsan ;;
    fuzz) run_fuzzers ;;
    interop) run_interop tests/interop/*_test.py ;;
    interop/*) run_interop "tests/interop/${1#interop/}_test.py" ;;
    //*) run_targets unit "$1" ;;
  esac
}

heading() { printf '\n== %s (%d s so far)\n' "$1" "$SECONDS"; }

record() { # passed|failed|skipped NAME
  echo "$1 $2" >>"$results"
  printf '%s %s\n' "${1^^}" "$2"
}

# Runs COMMAND... and counts it as one test.
check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$scratch/output" 2>&1; then
    record passed "$name"
  else
    cat "$scratch/output"
    record failed "$name"
  fi
}

run_linters() {
  local cpp scripts
  mapfile -t cpp < <(git ls-files '*.cc' '*.h')
  mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
  check "lint: clang-format" is_formatted "${cpp[@]}"
  check "lint: ruff check" "$linters/ruff" check --no-cache .
  check "lint: ruff format" "$linters/ruff" format --no-cache --check .
  check "lint: shellcheck" shellcheck --external-sources "${scripts[@]}"
  check "lint: buf" "$linters/buf" lint proto
  check "lint: own checks find what they should" \
    /usr/bin/python3 -m unittest discover --start-directory tests --pattern "*_test.py"
  check "lint: own rules" /usr/bin/python3 tests/rules.py
  if [ "$full" = yes ]; then
    check "lint: clang-tidy" bazel build --symlink_prefix=/ --keep_going --config=tidy \
      --define=clang_tidy="$linters/clang-tidy" //...
  fi
}

is_formatted() { # FILE...
  "$linters/clang-format" --dry-run -Werror "$@" 2>"$scratch/format" && return
  echo "not as clang-format has it:"
  sed -n 's/^\([^: ]*\):[0-9].*/\1/p' "$scratch/format" | sort | uniq -c
  echo "to mend it: $linters/clang-format -i FILE..."
  return 1
}

# Tests what matches the labels among the arguments, with the options among them, and counts every
# test target that Bazel knows there: one that is not reported as passed, for instance because it
# does not compile, has failed.
run_targets() { # NAME LABEL... OPTION...
  local name=$1 labels=() options=() word
  shift
  for word in "$@"; do
    case "$word" in
      --*) options+=("$word") ;;
      *) labels+=("$word") ;;
    esac
  done
  local pattern="${labels[*]}"
  if ! bazel query "tests(${pattern// / + }) except attr(tags, manual, ${pattern// / + })" \
    >"$scratch/expected" 2>"$scratch/output"; then
    cat "$scratch/output"
    record failed "$name: bazel query $pattern"
    return
  fi
  # The links that bazel makes stay with the optimized build.
  bazel test --symlink_prefix=/ --keep_going "${options[@]}" \
    --build_event_json_file="$scratch/events" "${labels[@]}"
  /usr/bin/python3 tests/bazel_results.py "$name" "$scratch/expected" "$scratch/events" |
    tee "$scratch/lines" | grep -v '^passed'
  cat "$scratch/lines" >>"$results"
}

# Runs every target that is tagged as a fuzzer, two at a time, from its seeds. What they find goes
# into a folder that stays if one crashed.
run_fuzzers() {
  local labels label name bin found
  mapfile -t labels < <(bazel query 'attr(tags, "\bfuzz\b", //tests/fuzz/...)' 2>"$scratch/output")
  if [ ${#labels[@]} = 0 ]; then
    cat "$scratch/output"
    record failed "fuzz: there is no fuzzer"
    return
  fi
  check "fuzz: bazel build --config=fuzz" \
    bazel build --symlink_prefix=/ --config=fuzz --keep_going "${labels[@]}"
  bin=$(bazel info --config=fuzz bazel-bin 2>/dev/null)
  found=$(mktemp -d "${TMPDIR:-/tmp}/cairn-fuzz-XXXXXX")
  for label in "${labels[@]}"; do
    [ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
    name=${label##*:}
    fuzz "$bin/tests/fuzz/$name" "$found/$name" &
  done
  wait
  for label in "${labels[@]}"; do report_fuzzer "${label##*:}" "$found/${label##*:}"; done
  [ -z "$(ls -A "$found")" ] && rm -r "$found"
}

fuzz() { # PROGRAM FOLDER
  local name=${1##*/}
  mkdir -p "$2/corpus"
  "$1" -max_total_time="$fuzz_seconds" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$2/" "$2/corpus" "tests/fuzz/corpus/${name%_fuzzer}" >"$2/log" 2>&1
  echo $? >"$2/status"
}

# What a fuzzer said, and its folder gone if all is well.
report_fuzzer() { # NAME FOLDER
  local runs
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$2/log")
  if [ "$(cat "$2/status")" = 0 ] && [ "${runs:-0}" -gt 0 ]; then
    record passed "fuzz: $1"
    echo "measured: $1 $runs runs"
    rm -r "$2"
  else
    tail -n 60 "$2/log"
    record failed "fuzz: $1"
    echo "the input that did it: $(find "$2" -maxdepth 1 -name '*-*' | head -1)"
  fi
}

# Programs always run anew, against an optimized build; those that say so with an older TensorFlow
# too.
run_interop() { # FILE...
  check "interop: bazel build -c opt" \
    bazel build --compilation_mode=opt //server:cairnd //client/cli:cairn
  local program environment environments
  for program in "$@"; do
    run_program "$program" "$tensorflow_python" "interop: $program"
    mapfile -t environments < <(sed -n 's/^# Also runs with: //p' "$program")
    for environment in "${environments[@]}"; do
      run_program "$program" "$(environment_of "$environment")/bin/python" \
        "interop: $program with $environment"
    done
  done
}

run_program() { # FILE PYTHON NAME
  local start=$SECONDS
  check "$3" env CAIRN_GRPCURL="$grpcurl_folder/grpcurl" TF_CPP_MIN_LOG_LEVEL=3 \
    timeout --kill-after=10 1200 "$2" "$1"
  grep '^measured:' "$scratch/output"
  echo "  $((SECONDS - start)) s"
}

count() { grep -c "^$1 " "$results"; }

summarize() {
  heading "done"
  grep '^failed' "$results" || true
  echo "$(count passed) passed, $(count failed) failed, $(count skipped) skipped"
  [ "$(count failed)" = 0 ] && [ "$(count passed)" != 0 ]
}

main "$@"
