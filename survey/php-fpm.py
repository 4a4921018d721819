"""PHP-FPM: a manager, two workers forked by it, requests over FastCGI, and a reload, which is an exec of itself."""
# version: php-fpm8.2 --version
import struct

from workload import *

need("php-fpm8.2")
home = place()
with open(f"{home}/f.conf", "w") as conf:
    conf.write(f"""
[global]
pid = {home}/pid
error_log = {home}/log
daemonize = no
events.mechanism = epoll
[www]
user = nobody
listen = {home}/s.sock
listen.mode = 0666
pm = dynamic
pm.max_children = 3
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 2
""")
with open(f"{home}/a.php", "w") as code:
    code.write("<?php echo 'well';")


def record(kind, data):
    return struct.pack("!BBHHBB", 1, kind, 1, len(data), 0, 0) + data


def ask():
    params = {"SCRIPT_FILENAME": f"{home}/a.php", "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/a.php"}
    coded = b"".join(bytes([len(k), len(v)]) + k.encode() + v.encode() for k, v in params.items())
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(10)
        peer.connect(f"{home}/s.sock")
        peer.sendall(record(1, struct.pack("!HB5x", 1, 0)) + record(4, coded) + record(4, b"") + record(5, b""))
        answer = b""
        while piece := peer.recv(1000):
            answer += piece
        return b"well" in answer


manager = start("php-fpm8.2", "-R", "-n", "-y", f"{home}/f.conf", "-F")
until("php-fpm answers", ask)
for turn in range(2):
    check(all(ask() for _ in range(4)), "an answer")
    manager.send_signal(signal.SIGUSR2)
    time.sleep(0.5)
    until("php-fpm answers after the reload", ask)
manager.send_signal(signal.SIGQUIT)
ends(manager, "php-fpm ends")
