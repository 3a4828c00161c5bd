from skmlp._training.history import History


def test_an_interrupted_history_keeps_the_complete_epochs():
    history = History([3.0, 2.0, 1.0], [6.0, 5.0], [0.5, 0.75], [0.1, 0.2, 0.3], loss=1.0)
    history.interrupt(2)
    expected = History([3.0, 2.0], [6.0, 5.0], [0.5, 0.75], [0.1, 0.2], loss=2.0)
    expected.interrupted = True
    assert history == expected
