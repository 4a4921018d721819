"""HAProxy as master and worker, reloaded twice while it is asked."""
# version: haproxy -v
from workload import *

need("haproxy")
home, port = place(), free_port()
with open(f"{home}/h.cfg", "w") as conf:
    conf.write(f"""
global
  maxconn 50
  stats socket {home}/s.sock mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend f
  bind 127.0.0.1:{port}
  http-request return status 200 content-type text/plain string well
""")
master = start("haproxy", "-W", "-f", f"{home}/h.cfg", "-x", f"{home}/s.sock")
until("haproxy answers", lambda: http(port) == "well")
for turn in range(2):
    check(all(http(port) == "well" for _ in range(5)), "an answer")
    master.send_signal(signal.SIGUSR2)
    time.sleep(0.5)
    until("haproxy answers after the reload", lambda: http(port) == "well")
check(all(http(port) == "well" for _ in range(10)), "an answer at the end")
master.send_signal(signal.SIGTERM)
ends(master, "haproxy ends")
