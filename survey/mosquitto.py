"""mosquitto: a broker, a subscriber, and messages."""
# version: mosquitto -h
from workload import *

os.environ["PATH"] += ":/usr/sbin"
need("mosquitto", "mosquitto_pub", "mosquitto_sub")
home, port = place(), str(free_port())
with open(f"{home}/conf", "w") as conf:
    conf.write(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
start("mosquitto", "-c", f"{home}/conf")
until("the broker answers", lambda: subprocess.run(
    ["mosquitto_pub", "-p", port, "-t", "x", "-m", "x"], capture_output=True).returncode == 0)
sub = start("mosquitto_sub", "-p", port, "-t", "news", "-C", "3", stdout=subprocess.PIPE)
until("the subscriber is there", lambda: subprocess.run(
    ["mosquitto_pub", "-p", port, "-t", "news", "-m", "well", "-r"], capture_output=True).returncode == 0)
for n in range(4):
    time.sleep(0.3)
    subprocess.run(["mosquitto_pub", "-p", port, "-t", "news", "-m", "well"], capture_output=True)
ends(sub, "three messages come")
check(sub.stdout.read() == b"well\n" * 3, "the messages")
