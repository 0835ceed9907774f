"""A hundred real services with random dependencies, by their own time stamps: never started before what they require
is up, always stopped before what they require stops."""
import os
import random

from harness import until


def order_of_hundred(t):
    seed = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 32)
    t.note(f"seed {seed} (SEED={seed} repeats it)")
    chance = random.Random(seed)
    stamps = t.scene.work + "/stamps"
    names = [f"u{number:02}" for number in range(100)]
    chance.shuffle(names)
    units, types = {}, {}
    for place, name in enumerate(names):
        kind = types[name] = chance.choice(["simple", "oneshot", "notify", "notify", "notify-fd"])
        earlier = names[:place]
        some = lambda most: chance.sample(earlier, min(len(earlier), chance.randint(0, most)))
        unit = units[name] = {"requires": some(3), "wants": some(1), "after": some(1), "service": {
            "type": kind, "restart": "no",
            "command": [t.scene.program("sys_stamp"), stamps, name, kind, str(chance.randint(0, 40)),
                        str(chance.randint(0, 30))]}}
        for other in chance.sample(earlier, 1) if earlier and chance.random() < 0.2 else []:
            unit.setdefault("required-by", [])  # the same edge from the other side: somebody later is to need us
            units[other].setdefault("required-by", []).append(name)
    requires = {name: set(units[name]["requires"]) for name in names}
    wants = {name: set(units[name]["wants"]) for name in names}
    after = {name: set(units[name]["after"]) for name in names}
    for name in names:
        for later in units[name].get("required-by", []):
            requires[later].add(name)
    goal = {"requires": names[-20:], "target": {}, "wants": names[:-20]}
    with t.scene.init({**units, "default": goal}) as init:
        init.wait("default", timeout=60)
        # A simple one is up before it has said a word.
        until(lambda: all(read(stamps).get(name, {}).get("ready") for name in names), 5)
        times = read(stamps)
        t.equal("all hundred have begun and were ready, once each",
                sorted(name for name in names if [len(times.get(name, {}).get(what, []))
                                                  for what in ("begin", "ready")] != [1, 1]), [])

        # A simple one is up when it is executed, before it can say so: there the order of the PIDs tells.
        def before(name, other, run):
            if types[other] == "simple":
                return times[name]["pid"][run] < times[other]["pid"][run]
            return times[name]["begin"][run] < times[other]["ready"][run]
        early = [f"{name} before {other}" for name in names
                 for other in sorted(requires[name] | wants[name] | after[name])
                 if before(name, other, 0)]
        t.equal("none began before what it requires, wants or comes after was ready", early, [])
        running = {name for name in names if types[name] != "oneshot"}

        # Something in the middle is restarted: all that requires it stops before it and comes back after it.
        middle = max(running, key=lambda name: sum(name in requires[other] for other in names))
        above = {middle}
        for name in names:
            if requires[name] & above:
                above.add(name)
        init.ask("Restart", middle)
        init.wait("default", timeout=60)
        for name in names:
            init.wait(name, "up", 20)
        until(lambda: all(len(read(stamps)[name]["ready"]) == 2 for name in above), 5)
        times = read(stamps)
        again = {name for name in names if len(times[name]["begin"]) == 2}
        t.equal(f"restarting one ({middle}) restarts exactly those that require it, near or far", sorted(again),
                sorted(above))
        wrong = [f"{name} ended after {other} was asked to" for name in again & running
                 for other in requires[name] & again & running
                 if times[name]["end"][0] > times[other]["term"][0]]
        wrong += [f"{name} began before {other} was back" for name in again for other in requires[name] & again
                  if len(times[other]["ready"]) < 2 or before(name, other, 1)]
        t.equal("each of them stopped before what it requires, and came back after it", wrong, [])

        init.signal(15)
        t.equal("shutdown ends", init.ended(60), 0)
        times = read(stamps)
        t.equal("every running one was asked to stop and did",
                sorted(name for name in running if not times[name].get("end")), [])
        late = [f"{name} after {other}" for name in running
                for other in (requires[name] | wants[name] | after[name]) & running
                if times[name]["end"][-1] > times[other]["term"][-1]]
        t.equal("each had stopped before what it requires, wants or comes after was asked to", late, [])


def read(path):
    times = {}
    with open(path) as file:
        for line in file:
            name, what, moment, pid = line.split()
            times.setdefault(name, {}).setdefault(what, []).append(int(moment))
            if what == "begin":
                times[name].setdefault("pid", []).append(int(pid))
    return times


GROUPS = [order_of_hundred]
