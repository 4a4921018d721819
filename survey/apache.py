"""Apache with its event module: two children of threads, reloaded gracefully, asked all the while."""
# version: apache2 -v
from workload import *

os.environ["PATH"] += ":/usr/sbin"
need("apache2")
home, port = place(), free_port()
modules = "/usr/lib/apache2/modules"
with open(f"{home}/index.html", "w") as page:
    page.write("well")
with open(f"{home}/conf", "w") as conf:
    conf.write(f"""
ServerRoot {home}
ServerName survey
PidFile {home}/pid
DefaultRuntimeDir {home}
ErrorLog {home}/log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dir_module {modules}/mod_dir.so
User nobody
Group nogroup
Listen 127.0.0.1:{port}
StartServers 2
ServerLimit 3
ThreadsPerChild 4
MinSpareThreads 4
MaxSpareThreads 12
MaxRequestWorkers 12
DocumentRoot {home}
DirectoryIndex index.html
""")
master = start("apache2", "-f", f"{home}/conf", "-DFOREGROUND")
until("apache answers", lambda: http(port) == "well")
for turn in range(2):
    check(all(http(port) == "well" for _ in range(6)), "an answer")
    master.send_signal(signal.SIGUSR1)
    time.sleep(0.5)
    until("apache answers after the reload", lambda: http(port) == "well")
check(all(http(port) == "well" for _ in range(10)), "an answer at the end")
master.send_signal(signal.SIGTERM)
ends(master, "apache ends")
