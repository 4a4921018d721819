"""nginx: a master that forks workers, reloads its configuration, and is asked all the while."""
# version: nginx -v
from workload import *

need("nginx")
home, port = place(), free_port()
with open(f"{home}/nginx.conf", "w") as conf:
    conf.write(f"""
daemon off; pid {home}/pid; error_log {home}/error.log; worker_processes 2; user root;
events {{ worker_connections 64; use epoll; }}
http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "well"; }} }} }}
""")
master = start("nginx", "-p", home, "-c", f"{home}/nginx.conf")
until("nginx answers", lambda: http(port) == "well")
for turn in range(3):
    check(all(http(port) == "well" for _ in range(5)), "an answer")
    master.send_signal(signal.SIGHUP)
    until("nginx answers after the reload", lambda: http(port) == "well")
check(all(http(port) == "well" for _ in range(10)), "an answer at the end")
master.send_signal(signal.SIGQUIT)
ends(master, "nginx ends")
