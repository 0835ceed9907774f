#!/usr/bin/env python3
"""Plants mistakes in PID 1, one at a time, and lets the simulation find them: mutants.py BUILD [NAME…]

Each mutant is one source file with one text replaced, compiled as the build directory does it and linked before the
libraries. The simulation has to find it within the lives that it is given; how many it took, and how, is printed.
"""
import json
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Name, file, what stands there, what stands there instead.
MUTANTS = [
    ("no save before a spawn", "daemon/turn.cpp",
     "        parts_.store.save();\n        perform(parts_.effects.take());", "        perform(parts_.effects.take());"),
    ("no save after a spawn", "daemon/start/starter.cpp",
     "    services_.store.save_spawn(id, effect.role, *start, *launch);\n", ""),
    ("exits that were collected are not saved", "daemon/turn.cpp", "    parts_.store.save_exits();\n", ""),
    ("an effect is performed again after a crash", "daemon/recovery/state_store.cpp",
     "state::DoneImage{effects_.done(), exits_.done}", "state::DoneImage{0, exits_.done}"),
    ("the engine's deadlines are forgotten", "daemon/turn.cpp",
     "    Instant at = context_.engine.next_deadline();", "    Instant at = never;"),
    ("a subsystem's deadline is forgotten", "daemon/turn.cpp",
     "        at = std::min(at, subsystem->next_deadline());", "        (void)subsystem;"),
    ("a deadline that has passed stays", "daemon/log/held_pipes.cpp",
     "        look_at_ = never;\n    if (new_.empty())", "        (void)0;\n    if (new_.empty())"),
    ("a unit does not wait for what it requires", "core/facts.cpp",
     "        counts.blocked = counts.unkept;\n", "        counts.blocked = 0;\n"),
    ("a unit is stopped before those that require it", "core/settle.cpp",
     "        if (counts.held > 0)\n            break;", "        if (false)\n            break;"),
    ("a process that has ended stays known", "daemon/process/unit_processes.cpp",
     "    processes_.remove(exit.pid);\n    for (StreamId stream", "    for (StreamId stream"),
    ("what a unit leaves behind is not swept", "daemon/process/processes.cpp",
     "    if (!in_cgroup && (run.by_session || !knows_process_of(unit))) {", "    if (!knows_process_of(unit)) {"),
    ("a change of some records is not saved", "daemon/recovery/state_store.cpp",
     "    for (core::UnitId unit : changes_.units)\n", "    for (core::UnitId unit : changes_.units)\n        if (unit % 8 != 3)\n"),
    ("SIGCHLD is not acted on", "daemon/machine/signals.cpp", "        host_.reap();", "        (void)host_;"),
    ("what was decided is decided again after a crash", "daemon/recovery/restore.cpp",
     "    parts_.effects.push(parts_.context.engine.take_effects());\n", ""),
    ("a shutdown is forgotten in a crash", "daemon/recovery/saved_images.cpp",
     "    image.halt = parts_.context.engine.halt();\n", ""),
    ("a start that fails late is taken for one that has not", "daemon/start/pending_starts.cpp",
     "    if (one.start.fault())\n        listener_", "    if (false)\n        listener_"),
    ("a main process of the program before us is not waited for", "daemon/recovery/restore.cpp",
     "        parts_.process.processes.adopt(pid, {id, image.role, {image.out, image.err}});\n", ""),
]


def run(command, **more):
    return subprocess.run(command, cwd=more.pop("cwd", None), capture_output=True, text=True, check=False, **more)


class Build:
    """The commands that the build directory compiles and links the simulation with."""

    def __init__(self, directory):
        self.directory = directory
        entries = json.loads((directory / "compile_commands.json").read_text())
        self.compile_by_file = {entry["file"]: entry["command"] for entry in entries
                                if re.search(r" -o CMakeFiles/(daemon|core)\.dir/", entry["command"])}
        text = run(["ninja", "-C", str(directory), "-t", "commands", "simulation"]).stdout
        link = next(line for line in reversed(text.splitlines()) if "-o simulation" in line)
        self.link = link.removeprefix(": && ").removesuffix(" && :")

    def mutate(self, file, before, after, place):
        """The simulation with this one text replaced; or None, and what the compiler says."""
        original = ROOT / "src" / file
        text = original.read_text()
        if text.count(before) != 1:
            return None, f"{file} has the text {text.count(before)} times"
        mutated = place / original.name
        mutated.write_text(text.replace(before, after))
        command = shlex.split(self.compile_by_file[str(original)])
        outcome = place / "mutant.o"
        command[command.index("-o") + 1] = str(outcome)
        command[command.index(str(original))] = str(mutated)
        compiled = run([*command, "-Wno-error", f"-I{original.parent}"], cwd=self.directory)
        if compiled.returncode != 0:
            return None, compiled.stderr
        program = place / "simulation"
        link = self.link.replace("-o simulation", f"{outcome} -o {program}").replace("-Werror=odr", "")
        linked = run(shlex.split(link), cwd=self.directory)
        return (program, "") if linked.returncode == 0 else (None, linked.stderr)


def find(program):
    """What the simulation says of a mutant, or None: fewer and larger lives after many small ones."""
    for units, lives in ((12, 1500), (40, 400), (200, 100)):
        try:
            said = run([str(program), "--lives", str(lives), "--units", str(units)], timeout=120)
        except subprocess.TimeoutExpired:
            return "it hangs"
        if said.returncode != 0:
            seed = re.search(r"--seed (\d+)", said.stdout)
            words = said.stdout.splitlines()[0].removeprefix("not ok - ") if said.stdout else "it crashes: " + said.stderr
            return f"{words[:150]} (life {seed[1] if seed else '?'} of {units} units)"
    return None


def main():
    if len(sys.argv) < 2:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    build = Build(pathlib.Path(sys.argv[1]).resolve())
    place = build.directory / "mutant"
    place.mkdir(exist_ok=True)
    passed = failed = 0
    for name, file, before, after in MUTANTS:
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        program, complaint = build.mutate(file, before, after, place)
        found = find(program) if program else None
        passed, failed = passed + bool(found), failed + (not found)
        print(f"{'ok' if found else 'not ok'} - the simulation finds that {name}: {found or complaint or 'it does not'}",
              flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
