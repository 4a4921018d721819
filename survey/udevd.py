"""systemd-udevd (sd-event): its workers are forked from the loop, and exit."""
# version: udevadm --version
import atexit

from workload import *

if not os.path.exists("/proc/sys/fs/epoll/lifetime") and os.path.exists("/run/udev/control"):
    print("there is a udevd here already, and it is not ours to disturb")
    sys.exit(77)
UDEVD = "/lib/systemd/systemd-udevd"
if not os.access(UDEVD, os.X_OK) or os.getuid() != 0:
    print("systemd-udevd is not installed, or this is an ordinary user")
    sys.exit(77)
if not os.path.exists("/run/udev"):
    atexit.register(shutil.rmtree, "/run/udev", True)
daemon = start(UDEVD, "--children-max=2", "--resolve-names=never")
until("udevd is there", lambda: os.path.exists("/run/udev/control"))
for turn in range(2):
    run("udevadm", "trigger", "--action=change", "--sysname-match=null", "--sysname-match=zero", "--sysname-match=lo")
    run("udevadm", "settle", "--timeout=20")
run("udevadm", "control", "--reload")
run("udevadm", "control", "--exit")
ends(daemon, "udevd ends when it is told to")
