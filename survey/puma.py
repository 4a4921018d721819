"""Puma in cluster mode: two workers forked from a preloaded application, and a worker replaced."""
# version: puma --version
from workload import *

need("puma")
home, port = place(), free_port()
with open(f"{home}/config.ru", "w") as code:
    code.write("run lambda { |env| [200, {'content-type' => 'text/plain'}, ['well']] }\n")
master = start("puma", "-w", "2", "-t", "1:2", "-b", f"tcp://127.0.0.1:{port}", "--preload", f"{home}/config.ru",
               cwd=home)
until("puma answers", lambda: http(port) == "well", 60)
check(all(http(port) == "well" for _ in range(10)), "an answer")
workers = run("pgrep", "-P", str(master.pid)).split()
os.kill(int(workers[0]), signal.SIGTERM)
until("a worker comes in place of another", lambda: len(run("pgrep", "-P", str(master.pid)).split()) == 2, 60)
check(all(http(port) == "well" for _ in range(10)), "an answer after that")
master.send_signal(signal.SIGTERM)
ends(master, "puma ends")
