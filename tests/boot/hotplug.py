"""What is plugged in, and pulled out, while the machine runs: units with [await] start, stop and start again."""

from machine import Missing

BOOTED = 240.0
DEVICES = tuple(f"pcie-root-port,id=slot{n},chassis={n},slot={n}" for n in (1, 2, 3))
# A drive goes with the device that has it.
BACKENDS = ("-netdev", "user,id=plugged-net,restrict=on",
            *(word for name in ("one", "two") for word in ("-drive", f"if=none,id=plugged-{name},driver=null-co,size=1M,read-zeroes=on")))


def becomes(machine, unit, state):
    machine.until(f"minictl status {unit} --json | grep -q '\"state\": *\"{state}\"'", f"{unit} does not become {state}")


def waits_for(machine, unit, what):
    machine.until(f"minictl explain {unit} | grep -qF '{unit} is waiting: it waits for {what}'",
                  f"{unit} does not wait for {what}")


def unplug(machine, device):
    """The guest lets it go by and by. One that was asked for too early is asked for again."""
    for attempt in range(3):
        try:
            machine.ask("device_del", id=device)
            return
        except Missing:
            machine.good("sleep 5")


def plug_and_pull(machine, unit, what, plug, pull):
    waits_for(machine, unit, what)
    plug()
    becomes(machine, unit, "up")
    pull()
    waits_for(machine, unit, what)


def hotplug_boot(report, machine):
    check = report.check
    with check("a machine with units that wait for what is not plugged in is up"):
        machine.shell(patience=BOOTED)
        machine.good("minictl wait default --for up")
        for unit, what in (("plug-port", "device /dev/virtio-ports/org.miniinit.plug"), ("plug-disk", "device /dev/vda"),
                           ("plug-link", "interface eth1 (there is none)"), ("dhcp@eth1", "device /sys/class/net/eth1")):
            if unit == "dhcp@eth1":
                machine.good("minictl enable --now --no-wait dhcp@eth1")
            waits_for(machine, unit, what)
    with check("what is mounted starts the unit that awaits it"):
        machine.good("mkdir -p /run/plugged")
        plug_and_pull(machine, "plug-mount", "mount /run/plugged",
                      lambda: machine.good("mount -t tmpfs none /run/plugged"), lambda: machine.good("umount /run/plugged"))
    with check("a disk that is plugged in starts its unit, and stops it when it is pulled out; and once more"):
        for name in ("one", "two"):
            plug_and_pull(machine, "plug-disk", "device /dev/vda",
                          lambda name=name: machine.ask("device_add", driver="virtio-blk-pci", id=name, drive=f"plugged-{name}",
                                                        bus="slot1"),
                          lambda name=name: unplug(machine, name))
    with check("a network card starts dhcp@ of its name; its link, up and down, the unit that awaits that"):
        machine.ask("device_add", driver="virtio-net-pci", id="card1", netdev="plugged-net", bus="slot2", romfile="")
        becomes(machine, "dhcp@eth1", "up")
        becomes(machine, "plug-link", "up")
        machine.ask("set_link", name="card1", up=False)
        waits_for(machine, "plug-link", "interface eth1 (no carrier)")
        machine.ask("set_link", name="card1", up=True)
        becomes(machine, "plug-link", "up")
        unplug(machine, "card1")
        waits_for(machine, "dhcp@eth1", "device /sys/class/net/eth1")
        waits_for(machine, "plug-link", "interface eth1 (there is none)")
    with check("a virtio-serial port that is plugged in has its link by mdev, and starts what awaits that"):
        machine.ask("device_add", driver="virtio-serial-pci", id="serial1", bus="slot3")
        machine.ask("device_add", driver="virtserialport", id="port1", name="org.miniinit.plug", bus="serial1.0")
        becomes(machine, "plug-port", "up")
        machine.ask("device_del", id="port1")
        waits_for(machine, "plug-port", "device /dev/virtio-ports/org.miniinit.plug")
    with check("nothing of that has failed"):
        failed = machine.run("minictl list --failed")[1]
        assert "plug" not in failed and "dhcp" not in failed and "mdev" not in failed, failed
    with check("it ends"):
        machine.type("poweroff\n")
        assert machine.ended() == 0
