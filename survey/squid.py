"""Squid: a proxy, with helpers that it starts, before a server of ours, and reconfigured meanwhile."""
# version: squid -v
from workload import *

os.environ["PATH"] += ":/usr/sbin"
need("squid")
behind = serve()
home, port = place(), free_port()
os.chmod(home, 0o777)
with open(f"{home}/rewrite", "w") as code:
    code.write("#!/bin/sh\nwhile read line; do echo OK; done\n")
os.chmod(f"{home}/rewrite", 0o755)
with open(f"{home}/conf", "w") as conf:
    conf.write(f"""
http_port 127.0.0.1:{port}
http_access allow all
pid_filename {home}/pid
cache_log {home}/log
access_log none
cache deny all
coredump_dir {home}
url_rewrite_program {home}/rewrite
url_rewrite_children 2 startup=2 idle=1
shutdown_lifetime 1 seconds
max_filedescriptors 256
pinger_enable off
netdb_filename none
visible_hostname survey
""")


def ask():
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(f"GET http://127.0.0.1:{behind}/ HTTP/1.0\r\n\r\n".encode())
        answer = b""
        while piece := peer.recv(1000):
            answer += piece
        return answer.endswith(b"well")


server = start("squid", "-N", "-f", f"{home}/conf")
until("squid answers", ask, 60)
check(all(ask() for _ in range(5)), "an answer")
server.send_signal(signal.SIGHUP)
time.sleep(0.5)
until("squid answers after it was reconfigured", ask, 60)
check(all(ask() for _ in range(5)), "an answer at the end")
server.send_signal(signal.SIGTERM)
ends(server, "squid ends")
