"""dbus-daemon: a bus of its own, names asked for, and a service that the bus starts."""
# version: dbus-daemon --version
from workload import *

need("dbus-daemon", "dbus-send")
home = place()
bus = f"unix:path={home}/bus"
os.makedirs(f"{home}/services")
with open(f"{home}/services/x.service", "w") as conf:
    conf.write("[D-BUS Service]\nName=org.example.X\nExec=/bin/false\n")
with open(f"{home}/conf", "w") as conf:
    conf.write(f"""<busconfig><type>session</type><listen>{bus}</listen><servicedir>{home}/services</servicedir>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
<allow user="*"/></policy></busconfig>""")
daemon = start("dbus-daemon", "--config-file", f"{home}/conf", "--nofork")


def call(method, *words):
    return subprocess.run(["dbus-send", f"--bus={bus}", "--print-reply", "--reply-timeout=20000",
                           "--dest=org.freedesktop.DBus", "/", f"org.freedesktop.DBus.{method}", *words],
                          capture_output=True, text=True, timeout=60)


until("the bus answers", lambda: call("ListNames").returncode == 0)
for n in range(3):
    came = call("StartServiceByName", "string:org.example.X", "uint32:0")
    check("ChildExited" in came.stderr, "the bus hears of its child's end: " + came.stderr[-100:])
    check("org.freedesktop.DBus" in call("ListNames").stdout, "the bus answers after that")
