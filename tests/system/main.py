"""Runs the groups of checks, a few at a time, and counts. See run.sh."""
import concurrent.futures
import os
import signal
import sys
import time
import traceback

import checks_await
import checks_boot
import checks_caretaker
import checks_cgroups
import checks_clients
import checks_collector
import checks_console
import checks_context
import checks_crash
import checks_credentials
import checks_ctl
import checks_ending
import checks_examples
import checks_executor
import checks_faults
import checks_floods
import checks_forking
import checks_forward
import checks_hanging
import checks_health
import checks_sysvinit
import checks_keys
import checks_last_words
import checks_limits
import checks_logs
import checks_metrics
import checks_nested
import checks_notify
import checks_order
import checks_orphans
import checks_paths
import checks_places
import checks_policy
import checks_printable
import checks_reload
import checks_robust
import checks_run
import checks_sockets
import checks_syslog
import checks_systemd
import checks_terminal
import checks_timers
import checks_types
import checks_user
import checks_varlink
import checks_versions
from harness import Checks, Failed, Scene

GROUPS = [group for module in (checks_order, checks_cgroups, checks_orphans, checks_context, checks_types,
                               checks_forking, checks_notify, checks_policy, checks_reload, checks_ending,
                               checks_ctl, checks_clients, checks_paths, checks_robust, checks_user, checks_run,
                               checks_sysvinit, checks_keys, checks_last_words, checks_crash, checks_sockets, checks_timers,
                               checks_examples, checks_caretaker, checks_faults, checks_nested, checks_varlink,
                               checks_syslog, checks_forward, checks_boot, checks_terminal, checks_executor,
                               checks_floods, checks_collector, checks_console, checks_limits, checks_printable, checks_hanging, checks_health, checks_await,
                               checks_versions, checks_places, checks_credentials, checks_metrics, checks_systemd)
          for group in module.GROUPS]
# These measure, or load the machine: one after the other, when all others are done.
ALONE = [group for module in (checks_logs,) for group in module.GROUPS] + \
    [group for module in (checks_notify, checks_robust, checks_sockets, checks_crash, checks_syslog, checks_forward,
                          checks_executor, checks_floods, checks_collector, checks_versions)
     for group in module.ALONE]


def run(scene, group):
    checks = Checks(scene, group.__name__)
    began = time.monotonic()
    try:
        group(checks)
    except Failed as failure:
        where = traceback.extract_tb(failure.__traceback__)
        line = next((frame.lineno for frame in reversed(where) if "checks_" in frame.filename), 0)
        checks.ok(f"{group.__name__}, line {line}, can go on", False, str(failure))
    except Exception:  # a mistake of the checks must not hide the others' results
        checks.ok(f"{group.__name__} is free of mistakes", False, traceback.format_exc().replace("\n", " | "))
    checks.note(f"{group.__name__}: {time.monotonic() - began:.1f} s")
    return checks


def main():
    if len(sys.argv) < 2:
        print("usage: run.sh BINARY [WORD...]", file=sys.stderr)
        return 2
    words = sys.argv[2:]
    chosen = lambda group: not words or any(word in group.__name__ for word in words)
    scene = Scene(sys.argv[1])

    def cut_short(*_):
        for init in list(scene.inits):
            init.process.kill()  # so that those who wait for something of it stop waiting
        sys.exit(1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, cut_short)
    passed = failed = 0

    def report(checks):
        nonlocal passed, failed
        passed, failed = passed + checks.passed, failed + checks.failed
        print("\n".join(checks.lines), flush=True)

    try:
        with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "3"))) as pool:
            pending = [pool.submit(run, scene, group) for group in filter(chosen, GROUPS)]
            try:
                for checks in concurrent.futures.as_completed(pending):
                    report(checks.result())
            finally:
                for one in pending:
                    one.cancel()
        for group in filter(chosen, ALONE):
            report(run(scene, group))
        end = Checks(scene, "end")
        end.equal("every check cleans up behind it: no init, no directory, no cgroup",
                  ([init.number for init in scene.inits], [name for name in os.listdir(scene.work) if name.isdigit()],
                   [name for name in os.listdir(scene.cgroups or "/dev/fd")
                    if name.startswith(f"miniinit-check-{os.getpid()}-")]),
                  ([], [], []))
        report(end)
    finally:
        scene.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
