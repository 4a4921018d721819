"""systemd-socket-activate, which waits with epoll and forks a server for each connection."""
# version: systemd-socket-activate --version
from workload import *

need("systemd-socket-activate")
port = free_port()
start("systemd-socket-activate", "--accept", "--inetd", "-l", f"127.0.0.1:{port}", "cat")


def ask():
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(b"hello")
        peer.shutdown(socket.SHUT_WR)
        return peer.recv(100) == b"hello"


until("the first server answers", ask)
for n in range(6):
    until("another server answers", ask)
