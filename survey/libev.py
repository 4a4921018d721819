"""libev: a loop that is forked, ev_loop_fork in the child, and both go on."""
# version: pkg:libev4
from workload import *

check("well" in run(sample("libev")), "both loops hear of what they watch")
