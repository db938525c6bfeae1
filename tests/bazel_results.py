"""Tells which of the expected test targets passed, from the events of one `bazel test`.

Usage: bazel_results.py NAME EXPECTED EVENTS. EXPECTED holds one label a line, EVENTS is what
--build_event_json_file wrote. Prints `passed NAME: LABEL` or `failed NAME: LABEL (STATUS)` for each
one. A label without a result has failed: it could not be built, or Bazel ended before it ran.
"""

import json
import sys


def statuses(events):
    """Maps each label in the lines of an event file to its overall status."""
    found = {}
    for line in events:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue  # Bazel was ended in the middle of a line: what is missing has no result.
        label = event.get("id", {}).get("testSummary", {}).get("label")
        if label:
            found[label] = event.get("testSummary", {}).get("overallStatus", "NO_STATUS")
    return found


def main():
    name, expected_path, events_path = sys.argv[1:]
    with open(expected_path) as expected:
        labels = [line.strip() for line in expected if line.strip()]
    try:
        with open(events_path) as events:
            found = statuses(events)
    except FileNotFoundError:
        found = {}
    if not labels:
        print(f"failed {name}: there is no test target")
    for label in labels:
        status = found.get(label, "NOT_BUILT")
        print(
            f"passed {name}: {label}"
            if status == "PASSED"
            else f"failed {name}: {label} ({status})"
        )


if __name__ == "__main__":
    main()
