"""uWSGI: two workers forked from a loaded application, asked, and reloaded, which is an exec of itself."""
# version: uwsgi --version
from workload import *

need("uwsgi")
plugins = "/usr/lib/uwsgi/plugins"
if not os.path.exists(f"{plugins}/python3_plugin.so"):
    print("uWSGI's plugin for Python is not installed")
    sys.exit(77)
home, port = place(), free_port()
with open(f"{home}/app.py", "w") as code:
    code.write("def application(env, start):\n    start('200 OK', [('Content-Type', 'text/plain')])\n    return [b'well']\n")
master = start("uwsgi", "--plugins-dir", plugins, "--plugin", "python3", "--master", "--processes", "2", "--http-socket",
               f"127.0.0.1:{port}", "--chdir", home, "--module", "app", "--die-on-term", cwd=home)
until("uwsgi answers", lambda: http(port) == "well", 60)
for turn in range(2):
    check(all(http(port) == "well" for _ in range(5)), "an answer")
    master.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    until("uwsgi answers after the reload", lambda: http(port) == "well", 60)
check(all(http(port) == "well" for _ in range(8)), "an answer at the end")
master.send_signal(signal.SIGTERM)
ends(master, "uwsgi ends")
