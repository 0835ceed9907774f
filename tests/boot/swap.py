"""The machines boot what is shipped. For checks that crash PID 1 the program that fails when it is asked to takes its
place, by re-execution, and gives it back."""

import os
import shutil
import sys

from machine import TOP

sys.path.insert(0, os.path.join(TOP, "tests"))
from fault_injection import program_with_faults  # noqa: E402


def add_faults(tree, init):
    """Puts it into a tree that goes over an image; the tree."""
    os.makedirs(os.path.join(tree, "sbin"), exist_ok=True)
    shutil.copy(program_with_faults(init), os.path.join(tree, "sbin/miniinit-faults"))
    return tree


def to_faults(machine):
    machine.good("cp -p /sbin/miniinit /sbin/miniinit-shipped && cp -p /sbin/miniinit-faults /sbin/next && "
                 "mv /sbin/next /sbin/miniinit && minictl reexec")


def to_shipped(machine):
    machine.good("mv /sbin/miniinit-shipped /sbin/miniinit && minictl reexec")
