"""The training loops, with plain functions as listeners."""

import math

from skmlp._training import lbfgs, stochastic
from skmlp._training.loop import Loop, TrainingEvents

LISTENERS = "on_batch", "on_epoch_begin", "on_epoch_end", "on_progress"


class Listener(TrainingEvents):
    """Calls the functions that are given, each where an event of its kind is reported."""

    def __init__(self, *, on_batch=None, on_epoch_begin=None, on_epoch_end=None, on_progress=None):
        self.on_batch, self.on_epoch_begin = on_batch, on_epoch_begin
        self.on_epoch_end, self.on_progress = on_epoch_end, on_progress

    def batch(self):
        if self.on_batch:
            self.on_batch()

    def epoch_begin(self):
        if self.on_epoch_begin:
            self.on_epoch_begin()

    def epoch_end(self, history):
        return self.on_epoch_end(history) if self.on_epoch_end else False

    def progress(self, progress):
        if self.on_progress:
            self.on_progress(progress)


def make_loop(network, validation=None, deadline=math.inf, progress=None, **listeners):
    events = Listener(**listeners)
    return Loop(network, validation=validation, deadline=deadline, events=events, progress=progress)


def for_loop(options):
    """Take what is meant for the loop out of the options."""
    names = *LISTENERS, "validation", "deadline", "progress"
    return {name: options.pop(name) for name in names if name in options}


def train(network, solver, rule, data, **options):
    loop = make_loop(network, **for_loop(options))
    return stochastic.train_stochastic(network, solver, rule, data, loop, **options)


def train_lbfgs(network, data, **options):
    loop = make_loop(network, **for_loop(options))
    return lbfgs.train_lbfgs(network, data, loop, **options)


def run_epoch(
    network, solver, data, batch_size, order, deadline=math.inf, on_batch=None, *, loop=None
):
    loop = loop or make_loop(network, deadline=deadline, on_batch=on_batch)
    return stochastic.run_epoch(network, solver, data, batch_size, order, loop)
