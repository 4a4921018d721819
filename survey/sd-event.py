"""sd-event of systemd: signals by signalfd, children, timers and pipes in one loop, and forked children that exit."""
# version: pkg:libsystemd0
from workload import *

check("well" in run(sample("sd-event")), "the loop hears of all it watches")
