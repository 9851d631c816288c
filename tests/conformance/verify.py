#!/usr/bin/env python3
"""simdrop verify as a list of tests: verify.py LABEL COMMAND..., for example verify.py native build/tools/simdrop/simdrop verify.

One line for each test and backend, with the number of figures, the largest sample and the smallest bias that it would have seen, so
that a run with few elements says how little it sees. Exit status 1 if a test fails, or none ran.
"""
import json
import subprocess
import sys


def main():
    label, command = sys.argv[1], sys.argv[2:]
    done = subprocess.run([*command, "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if "built without" in done.stderr:
        print(f"skipped {label}: the tool is built without verify")
        return 0
    if done.returncode not in (0, 1):
        print(f"FAILED {label}: {done.stderr.strip()} (status {done.returncode})")
        return 1
    found = json.loads(done.stdout)
    groups = {}
    for row in found["exact"] + found["figures"]:
        groups.setdefault((row["backend"], row["test"]), []).append(row)
    failed, ran = False, False
    for (backend, test), rows in groups.items():
        bad = [row for row in rows if row["verdict"] == "FAILED"]
        counted = [row for row in rows if row["verdict"] != "too few"]
        failed |= bool(bad)
        ran |= bool(counted)
        text = f"{label}: {test} on {backend}: {len(counted)} figures of at most {max([row['n'] for row in counted], default=0)} elements"
        seen = [row for row in counted if row.get("smallest_bias") is not None]
        if seen:
            least = min(seen, key=lambda row: row["smallest_bias"])
            text += f", sees {least['smallest_bias']:.1e} ({least['unit']}) at best"
        if not counted:
            print(f"skipped {text}: too few elements")
        else:
            print(("FAILED " if bad else "ok ") + text + "".join(f"; {row}" for row in bad[:3]))
    if not ran:
        print(f"FAILED {label}: nothing was tested")
    return 1 if failed or not ran or (done.returncode == 1) != failed else 0


if __name__ == "__main__":
    sys.exit(main())
