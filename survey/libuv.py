"""libuv: a loop that spawns, is forked and goes on in the child after uv_loop_fork, as its documentation has it."""
# version: pkg:libuv1
from workload import *

check("well" in run(sample("libuv")), "both loops hear of what they watch")
