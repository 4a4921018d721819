"""unbound (libevent): a resolver with two threads, and a zone of its own, asked over UDP and TCP and reloaded."""
# version: unbound -V
import struct

from workload import *

os.environ["PATH"] += ":/usr/sbin"
need("unbound")
home, port = place(), free_port()
with open(f"{home}/conf", "w") as conf:
    conf.write(f"""
server:
  interface: 127.0.0.1
  port: {port}
  num-threads: 2
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{home}"
  pidfile: "{home}/pid"
  local-zone: "survey." static
  local-data: "a.survey. A 10.1.2.3"
""")
question = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\1a\6survey\0" + struct.pack("!2H", 1, 1)


def ask(kind):
    with socket.socket(socket.AF_INET, kind) as peer:
        peer.settimeout(5)
        peer.connect(("127.0.0.1", port))
        peer.sendall(question if kind == socket.SOCK_DGRAM else struct.pack("!H", len(question)) + question)
        return peer.recv(1000).endswith(bytes([10, 1, 2, 3]))


server = start("unbound", "-d", "-c", f"{home}/conf")
until("unbound answers", lambda: ask(socket.SOCK_DGRAM))
for turn in range(2):
    for n in range(5):
        check(ask(socket.SOCK_DGRAM) and ask(socket.SOCK_STREAM), "an answer")
    server.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    until("unbound answers after the reload", lambda: ask(socket.SOCK_DGRAM))
check(ask(socket.SOCK_STREAM), "an answer at the end")
server.send_signal(signal.SIGTERM)
ends(server, "unbound ends")
