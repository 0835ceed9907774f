"""What scripts/release packs, out of a build directory: the same bytes each time, whole, and of use where it is unpacked. That two
builds give the same bytes is twice.py's."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(sys.argv[1])
# The head of a program for each architecture, as far as it is looked at.
FOREIGN = {"arm64": 183, "armhf": 40, "riscv64": 243}
NATIVE = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armhf", "riscv64": "riscv64"}[os.uname().machine]

passed = failed = 0


def check(sentence, good, found=""):
    global passed, failed
    if good:
        passed += 1
        print(f"ok - {sentence}", flush=True)
    else:
        failed += 1
        print(f"not ok - {sentence}: {str(found)[-800:]}", flush=True)


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, check=False, **more)


def release(out, umask=0o022, arch=NATIVE, build=BINARY.parent, moment="1700000000"):
    return run(ROOT / "scripts/release", "--build", build, "--out", out, arch, preexec_fn=lambda: os.umask(umask),
               env={**os.environ, "SOURCE_DATE_EPOCH": moment})


def files(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def check_archive(place, one):
    (archive,) = one.glob(f"miniinit-*-{NATIVE}.tar.gz")
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    check("the archive has files and links alone, so that no link to a directory is replaced",
          members and all(member.isreg() or member.issym() for member in members), members)
    check("they are root's, of the time of the commit, and others can read them",
          {(m.uid, m.gid, m.uname, m.mtime, m.mode & 0o022, m.mode & 0o444) for m in members if m.isreg()} ==
          {(0, 0, "root", 1700000000, 0, 0o444)}, [m.name for m in members])
    prefix = place / "usr"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "sbin").symlink_to("bin")  # as on some systems
    done = run("tar", "-C", prefix, "--strip-components=1", "-xzf", archive)
    told = run(prefix / "bin/minictl", "help")
    check("the archive is unpacked below a prefix, and runs from there",
          done.returncode == 0 and told.returncode == 0 and "minictl VERB" in told.stdout, done.stderr + told.stderr)
    check("what is a link there stays one", (prefix / "sbin").is_symlink())
    there = [name for name in ("lib/miniinit/multi-user.toml", "share/man/man8/miniinit.8", "share/man/man1/minictl.1",
                               "share/bash-completion/completions/minictl", "share/zsh/site-functions/_minictl",
                               "share/fish/vendor_completions.d/minictl.fish", "share/doc/miniinit/README.md",
                               "share/doc/miniinit/LICENSE") if not (prefix / name).is_file()]
    check("it brings units, manual, completions and the licence", not there, there)
    others = [name for name in ("init", "poweroff", "reboot", "halt", "shutdown", "telinit")
              if any((prefix / folder / name).exists() for folder in ("bin", "sbin"))]
    check("it takes no name of another init", not others, others)
    check("its program is the one that was built", (prefix / "bin/miniinit").read_bytes() == BINARY.read_bytes())


def check_deb(one):
    (package,) = one.glob("miniinit_*.deb")
    fields = run("dpkg-deb", "-f", package).stdout
    check("there is a Debian package of that architecture", f"Architecture: {NATIVE}\n" in fields, fields)
    listing = run("dpkg-deb", "-c", package).stdout
    check("its files are of the time of the commit", {line.split()[3] for line in listing.splitlines()} == {"2023-11-14"},
          listing)


def unpack_image(one, to):
    (image,) = one.glob("miniinit-*-oci.tar.gz")
    with tarfile.open(image) as tar:
        tar.extractall(to)
    (top,) = to.iterdir()
    return top


def blob(top, descriptor):
    """What a descriptor names; it has to be that."""
    data = (top / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
    good = f"sha256:{hashlib.sha256(data).hexdigest()}" == descriptor["digest"] and len(data) == descriptor["size"]
    if not good:
        raise ValueError(f"{descriptor['digest']} is not what it says")
    return data


def check_image(place, one):
    top = unpack_image(one, place / "image")
    check("the image is an OCI layout", json.loads((top / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"})
    named = json.loads((top / "index.json").read_text())["manifests"]
    check("it has one image, called latest", [each["annotations"] for each in named] ==
          [{"org.opencontainers.image.ref.name": "latest"}], named)
    manifests = json.loads(blob(top, named[0]))["manifests"]
    check("of each architecture that was built", [each["platform"]["architecture"] for each in manifests] == [NATIVE], manifests)
    manifest = json.loads(blob(top, manifests[0]))
    config = json.loads(blob(top, manifest["config"]))
    layer = gzip.decompress(blob(top, manifest["layers"][0]))
    check("its configuration names the layer", config["rootfs"]["diff_ids"] ==
          [f"sha256:{hashlib.sha256(layer).hexdigest()}"] and config["os"] == "linux", config)
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        members = tar.getmembers()
        program = tar.extractfile("miniinit").read()
    check("there is nothing in it but the program", [(m.name, m.mode, m.uid) for m in members] == [("miniinit", 0o755, 0)] and
          program == BINARY.read_bytes(), members)
    check("no file of the layout is left that nothing names", len(list((top / "blobs/sha256").iterdir())) == 4)


def check_foreign(place):
    """Images of several architectures, of programs that are no more than a head."""
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader
    loader = SourceFileLoader("release", str(ROOT / "scripts/release"))
    module = module_from_spec(spec_from_loader("release", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    builds = {}
    for arch, machine in FOREIGN.items():
        builds[arch] = place / arch
        builds[arch].mkdir()
        (builds[arch] / "miniinit").write_bytes(b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little"))
    found = {arch: module.architecture_of(build / "miniinit") for arch, build in builds.items()}
    check("a program's architecture is read from it", found == {arch: arch for arch in FOREIGN}, found)
    (place / "many").mkdir()
    (place / "many/miniinit-0-oci.tar.gz").write_bytes(module.pack_image(builds, "miniinit-0-oci", 1700000000))
    top = unpack_image(place / "many", place / "many-image")
    named = json.loads((top / "index.json").read_text())["manifests"]
    platforms = [each["platform"] for each in json.loads(blob(top, named[0]))["manifests"]]
    check("one image has all architectures, as OCI calls them",
          [(each["architecture"], each.get("variant")) for each in platforms] ==
          [("arm64", "v8"), ("arm", "v7"), ("riscv64", None)], platforms)
    wrong = release(place / "wrong", arch="arm64" if NATIVE != "arm64" else "riscv64")
    check("a program for another machine than it is said to be for is refused",
          wrong.returncode != 0 and f"is for {NATIVE}" in wrong.stderr and not list((place / "wrong").glob("*.tar.gz")), wrong.stderr)


def main():
    with tempfile.TemporaryDirectory(prefix="miniinit-release-") as directory:
        place = Path(directory)
        one, two = place / "one", place / "two"
        done = release(one)
        check("scripts/release packs what was built", done.returncode == 0, done.stdout + done.stderr)
        release(two, umask=0o077)
        check("packed twice, every file has the same bytes", files(one) == files(two) and len(files(one)) >= 5, files(two).keys())
        sums = run("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=one)
        listed = {line.split("  ")[1] for line in (one / "SHA256SUMS").read_text().splitlines()}
        check("SHA256SUMS has all of them", sums.returncode == 0 and listed == files(one).keys() - {"SHA256SUMS"}, sums)
        check_archive(place, one)
        check_deb(one)
        check_image(place, one)
        (manual,) = one.glob("miniinit-*-manual.tar.gz")
        check("the manual is there as web pages", any("miniinit.8.html" in name for name in tarfile.open(manual).getnames()))
        check_foreign(place)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
