"""The program that fails when it is asked to: miniinit-faults, beside the one under test, of the same objects
(scripts/cmake/faults.cmake). Only what crashes the init uses it; everything else runs the program that is shipped."""
import os

NAME = "miniinit-faults"


def program_with_faults(binary):
    """The one beside `binary`. An old one would test what is no longer there, so it is refused."""
    path = os.path.join(os.path.dirname(os.path.realpath(binary)), NAME)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"there is no {path}: build the target {NAME}")
    if os.stat(path).st_mtime < os.stat(binary).st_mtime:
        raise FileNotFoundError(f"{path} is older than {binary}: build the target {NAME}")
    return path
