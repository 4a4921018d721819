"""gRPC for Python: a server and a client, and a process forked between two calls."""
# version: python:grpc
from workload import *

if len(sys.argv) == 1:
    python = python_with("grpc")
    run(python, __file__, "there", env={**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "1", "GRPC_POLL_STRATEGY": "epoll1"})
    sys.exit()
from concurrent import futures

import grpc


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)


def ask(channel, data):
    return channel.unary_unary("/s/echo")(data, timeout=15)


port = free_port()
if (server_pid := os.fork()) == 0:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Echo(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    signal.pause()
try:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    grpc.channel_ready_future(channel).result(20)
    for turn in range(3):
        check(ask(channel, b"well") == b"well", "an answer")
        if (child := os.fork()) == 0:
            os._exit(0)
        os.waitpid(child, 0)
        check(ask(channel, b"again") == b"again", "an answer after a child has gone")
finally:
    os.kill(server_pid, signal.SIGKILL)
