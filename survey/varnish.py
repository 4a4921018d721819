"""Varnish: a manager and its child with threads, before a server of ours, and a configuration loaded meanwhile."""
# version: varnishd -V
from workload import *

os.environ["PATH"] += ":/usr/sbin"
need("varnishd", "varnishadm")
behind = serve()
home, port = place(), free_port()
with open(f"{home}/v.vcl", "w") as conf:
    conf.write(f'vcl 4.0;\nbackend b {{ .host = "127.0.0.1"; .port = "{behind}"; }}\n'
               'sub vcl_recv { if (req.url ~ "x") { return (pass); } }\n')
server = start("varnishd", "-F", "-j", "none", "-n", f"{home}/n", "-a", f"127.0.0.1:{port}", "-f", f"{home}/v.vcl", "-s",
               "malloc,8m", "-p", "thread_pools=1", "-p", "thread_pool_min=5", "-p", "thread_pool_max=20")
until("varnish answers", lambda: http(port) == "well", 60)
for turn in range(2):
    check(all(http(port, f"/x{n}") == "well" and http(port, "/y") == "well" for n in range(5)), "an answer")
    run("varnishadm", "-n", f"{home}/n", "vcl.load", f"v{turn}", f"{home}/v.vcl")
    run("varnishadm", "-n", f"{home}/n", "vcl.use", f"v{turn}")
check(all(http(port, f"/x{n}") == "well" for n in range(5)), "an answer at the end")
server.send_signal(signal.SIGTERM)
ends(server, "varnish ends")
