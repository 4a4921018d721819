"""gunicorn with threads: workers forked by a master, reloaded, asked all the while."""
# version: python:gunicorn
from workload import *

python = python_with("gunicorn")
home, port = place(), free_port()
with open(f"{home}/app.py", "w") as code:
    code.write("def app(env, start):\n    start('200 OK', [('Content-Type', 'text/plain')])\n    return [b'well']\n")
master = start(python, "-m", "gunicorn", "-w", "2", "-k", "gthread", "--threads", "2", "-b", f"127.0.0.1:{port}",
               "--worker-tmp-dir", home, "app:app", cwd=home)
until("gunicorn answers", lambda: http(port) == "well")
for turn in range(2):
    check(all(http(port) == "well" for _ in range(5)), "an answer")
    master.send_signal(signal.SIGHUP)
    until("gunicorn answers after the reload", lambda: http(port) == "well")
check(all(http(port) == "well" for _ in range(8)), "an answer at the end")
master.send_signal(signal.SIGTERM)
ends(master, "gunicorn ends")
