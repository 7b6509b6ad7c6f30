"""Rank 0's decisions: what is decided, that all ranks obey, and that a saved state decides the same."""

import json
import math
import os
import signal
import threading

import pytest

from ddtrain.comm import run_ranks
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import CheckpointError, NonFiniteError, UsageError
from ddtrain.optim import schedules
from ddtrain.trainer import stop_signals
from ddtrain.trainer.config.config import Checkpoint, Clip, Config, Data, Evaluation, NonFinite, Optim, Run, Schedule
from ddtrain.trainer.step.coordinator import Coordinator, Reason
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.stop_signals import StopFile, listening, stop_requested

STEPS = 5  # an epoch


def totals(loss_sum=8.0, count=4, stop_votes=0):
    made = Totals(stop_votes)
    made.loss_sum, made.count = loss_sum, count
    return made


def make(comm=None, clip=0.0, schedule=None, epochs=4, steps=0, **sections):
    run = Run(epochs=epochs, steps=steps)
    config = Config(run=run, clip=Clip(norm=clip), schedule=schedule or Schedule(), **sections)
    return Coordinator(config, comm or LocalCommunicator(), STEPS)


def drive(coordinator, n, first=0):
    return [coordinator.decide(step, totals(), 1.0) for step in range(first, first + n)]


class TestClip:
    @pytest.mark.parametrize(
        ("limit", "sq_norm", "scale"),
        [(0.0, 1e8, 1.0), (2.0, 16.0, 0.5), (2.0, 4.0, 1.0), (2.0, 1.0, 1.0), (2.0, 0.0, 1.0), (1e-3, 1e-300, 1.0)],
    )
    def test_scale_is_the_limit_over_the_norm_and_never_enlarges(self, limit, sq_norm, scale):
        control = make(clip=limit).decide(0, totals(), sq_norm)
        assert control.scale == pytest.approx(scale, rel=1e-15)
        assert control.grad_norm == math.sqrt(sq_norm)


class TestSchedule:
    def test_is_laid_out_over_the_epochs_though_the_steps_cut_it_short(self):
        cosine = Schedule(name="cosine", warmup_steps=2)
        expected = schedules.make(cosine, Optim().lr, 4 * STEPS)
        rates = [control.lr for control in drive(make(schedule=cosine, steps=7), 7)]
        assert rates == [expected.lr(step) for step in range(7)]

    def test_times_in_epochs_are_the_datas(self):
        staircase = Schedule(name="step", decay_every=1, unit="epoch")
        rates = [control.lr / Optim().lr for control in drive(make(schedule=staircase), 4 * STEPS)]
        assert rates == [0.5 ** (step // STEPS) for step in range(4 * STEPS)]

    @pytest.mark.parametrize(("rule", "factor"), [("linear", 0.25), ("sqrt", 0.5)])
    def test_the_rate_follows_the_batch_of_all_ranks(self, rule, factor):
        (control,) = drive(make(schedule=Schedule(scale_lr=rule), data=Data(batch_size=64)), 1)
        assert control.lr == pytest.approx(Optim().lr * factor, rel=1e-15)

    def test_what_does_not_fit_the_run_is_noted(self):
        late = Schedule(name="multi_step", milestones=(19, 20))
        assert make(schedule=late).length_note == "schedule multi_step: milestone 20 is beyond its 20 steps"
        cut = make(schedule=Schedule(name="cosine"), steps=7)
        assert cut.length_note == "schedule cosine: the run ends after 7 of the 20 steps that it is laid out over"
        assert make(schedule=Schedule(name="cosine")).length_note == make().length_note == ""

    def test_a_warm_up_longer_than_the_run_is_refused(self):
        with pytest.raises(UsageError, match=r"--schedule.warmup-steps 21 is more than the 20 steps of the run"):
            make(schedule=Schedule(warmup_steps=21))
        assert make(schedule=Schedule(warmup_steps=20), steps=7).length_note  # what is cut may be resumed


class TestTimes:
    @staticmethod
    def when(controls, what):
        return [done for done, control in enumerate(controls, start=1) if getattr(control, what)]

    def test_defaults_are_once_an_epoch_and_the_end(self):
        controls = drive(make(), 20)
        for what in ("evaluate", "checkpoint"):
            assert self.when(controls, what) == [5, 10, 15, 20]
        assert self.when(controls, "stop") == [20]
        assert controls[-1].reason is Reason.FINISHED

    def test_every_so_many_steps_and_epochs(self):
        controls = drive(make(checkpoint=Checkpoint(every=6), eval=Evaluation(every=3)), 20)
        assert self.when(controls, "checkpoint") == [6, 12, 18, 20]
        assert self.when(controls, "evaluate") == [15, 20]

    def test_never_evaluating_means_never(self):
        assert self.when(drive(make(eval=Evaluation(every=0)), 20), "evaluate") == []

    def test_cut_short(self):
        controls = drive(make(steps=7), 7)
        assert self.when(controls, "stop") == self.when(controls, "checkpoint")[1:] == [7]
        assert self.when(controls, "evaluate") == [5, 7]

    def test_more_steps_than_epochs_have_are_not_taken(self):
        assert make(steps=1000).total_steps == 4 * STEPS


class TestNonFinite:
    @pytest.mark.parametrize(
        ("loss_sum", "sq_norm"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan), (1.0, math.inf), (-math.inf, 1.0)]
    )
    def test_stops_with_what_was_found_and_where(self, loss_sum, sq_norm):
        with pytest.raises(NonFiniteError, match=r"loss is .*gradient norm is .*\n.*clip.norm.*step 4") as caught:
            make().decide(3, totals(loss_sum), sq_norm)
        assert caught.value.exit_code == 73

    def test_skip_leaves_everything_and_gives_up_after_so_many_in_a_row(self):
        coordinator = make(nonfinite=NonFinite("skip", 3), clip=1.0)
        for step in range(2):
            control = coordinator.decide(step, totals(math.nan), 4.0)
            assert (control.apply, control.stop, control.reason) == (False, False, Reason.SKIPPED)
        assert coordinator.decide(2, totals(), 1.0).apply
        coordinator.decide(3, totals(), math.inf)
        coordinator.decide(4, totals(), math.nan)
        with pytest.raises(NonFiniteError, match="2 steps before"):
            coordinator.decide(5, totals(), math.nan)
        assert coordinator.skipped == 5

    def test_a_negative_square_norm_is_not_a_number(self):
        with pytest.raises(NonFiniteError):
            make().decide(0, totals(), -1.0)

    def test_an_empty_batch_has_a_loss_of_zero_and_goes_on(self):
        assert make().decide(0, totals(0.0, 0), 0.0).apply


class TestObserve:
    @staticmethod
    def run(coordinator, losses):
        """The epochs' controls after their evaluations, up to the one that stops."""
        for epoch, loss in enumerate(losses):
            control = drive(coordinator, STEPS, first=epoch * STEPS)[-1]
            control = coordinator.observe((epoch + 1) * STEPS - 1, control, loss)
            yield control
            if control.stop:
                return

    def test_patience_counts_evaluations_without_a_better_loss(self):
        controls = list(self.run(make(eval=Evaluation(patience=2), epochs=9), [3.0, 2.0, 2.0, 2.5, 1.0]))
        assert [control.stop for control in controls] == [False, False, False, True]
        assert controls[-1].reason is Reason.PATIENCE

    def test_a_nan_is_no_improvement_and_no_best(self):
        controls = list(self.run(make(eval=Evaluation(patience=2), epochs=9), [math.nan, math.nan]))
        assert [control.reason for control in controls] == [Reason.NONE, Reason.PATIENCE]

    def test_the_end_stays_the_end_when_patience_runs_out_with_it(self):
        controls = list(self.run(make(eval=Evaluation(patience=1), epochs=2), [1.0, 2.0]))
        assert controls[-1].reason is Reason.FINISHED

    def test_plateau_hears_the_evaluations(self):
        coordinator = make(schedule=Schedule(name="plateau", patience=0, factor=0.5))
        list(self.run(coordinator, [1.0, 1.0]))
        assert coordinator.decide(10, totals(), 1.0).lr == 0.5 * Optim().lr

    def test_so_does_one_that_is_multiplied_by_another(self):
        product = Schedule(name="chained", schedules=("plateau(patience=0)", "constant"))
        coordinator, resumed = (make(schedule=product, epochs=9) for _ in range(2))
        list(self.run(coordinator, [1.0, 1.0]))
        resumed.load(json.loads(json.dumps(coordinator.state_dict())))
        for each in (coordinator, resumed):
            assert each.decide(10, totals(), 1.0).lr == 0.5 * Optim().lr

    @pytest.mark.parametrize(
        "another",
        [
            Schedule(name="chained", schedules=("constant", "plateau(patience=0)")),
            Schedule(name="cosine"),
            Schedule(name="plateau"),
        ],
    )
    def test_a_state_of_another_schedule_is_left_alone(self, another):
        before = make(schedule=Schedule(name="chained", schedules=("plateau(patience=0)", "constant")), epochs=9)
        list(self.run(before, [1.0, 1.0]))
        after, fresh = make(schedule=another, epochs=9), make(schedule=another, epochs=9)
        after.load(json.loads(json.dumps(before.state_dict())))
        assert after.schedule.state == fresh.schedule.state
        assert after.best == 1.0
        assert after.decide(10, totals(), 1.0).lr == fresh.decide(10, totals(), 1.0).lr

    def test_half_a_state_is_foreign(self):
        coordinator = make(schedule=Schedule(name="plateau"))
        state = coordinator.state_dict()
        del state["schedule"]["best"]
        with pytest.raises(CheckpointError, match="'best' of the coordinator is missing"):
            coordinator.load(state)

    def test_an_evaluation_made_only_because_the_run_was_cut_short_leaves_no_trace(self):
        coordinator = make(steps=7, eval=Evaluation(patience=1), schedule=Schedule(name="plateau", patience=0))
        before = coordinator.state_dict()
        control = drive(coordinator, 7)[-1]
        assert control.evaluate
        assert coordinator.observe(6, control, 1.0) == control
        assert coordinator.state_dict() == before


def test_a_saved_state_decides_the_same():
    def steps(coordinator, losses):
        return list(TestObserve.run(coordinator, losses))

    options = {
        "eval": Evaluation(patience=3),
        "epochs": 9,
        "nonfinite": NonFinite("skip"),
        "schedule": Schedule(name="plateau", patience=0),
    }
    never_stopped, before, after = (make(**options) for _ in range(3))
    for coordinator in (never_stopped, before):
        steps(coordinator, [2.0, 3.0])
        coordinator.decide(10, totals(math.nan), 1.0)
        coordinator.decide(11, totals(math.nan), 1.0)
    after.load(json.loads(json.dumps(before.state_dict())))
    assert after.state_dict() == never_stopped.state_dict()
    assert (after.skipped, after.skipped_in_a_row) == (2, 2)
    assert steps(after, [2.5, 1.0, 4.0, 4.0]) == steps(never_stopped, [2.5, 1.0, 4.0, 4.0])
    assert after.state_dict() == never_stopped.state_dict()


def test_patience_is_counted_over_a_stop():
    """Two evaluations without a better loss before, one after: with patience 3, that is the end."""
    before, after = (make(eval=Evaluation(patience=3), epochs=9) for _ in range(2))
    list(TestObserve.run(before, [1.0, 2.0, 2.0]))
    after.load(json.loads(json.dumps(before.state_dict())))
    control = after.observe(4 * STEPS - 1, drive(after, STEPS, first=3 * STEPS)[-1], 2.0)
    assert control.reason is Reason.PATIENCE


class TestRanks:
    """Rank 0's word holds, whatever the others computed."""

    @staticmethod
    def on_three_ranks(body):
        results = [None] * 3

        def main(comm):
            results[comm.rank] = body(comm)

        assert run_ranks("threads:3", main) == 0
        return results

    def test_all_obey_rank_0(self):
        def body(comm):
            coordinator = make(comm, clip=1.0, eval=Evaluation(patience=1))
            control = coordinator.decide(4, totals(), 4.0 + comm.rank)
            return control, coordinator.observe(4, control, [1.0, 9.0, math.nan][comm.rank])

        first, *others = self.on_three_ranks(body)
        assert first[0].scale == 0.5
        assert others == [first, first]

    def test_all_raise_at_the_same_step(self):
        def body(comm):
            coordinator = make(comm)
            for step in range(2):
                coordinator.decide(step, totals(), 1.0)
            with pytest.raises(NonFiniteError) as caught:
                coordinator.decide(2, totals(math.nan), 1.0)
            return caught.value.place["step"]

        assert self.on_three_ranks(body) == [3, 3, 3]  # counted from 1, as in the log

    def test_a_vote_of_any_rank_stops_all(self):
        def body(comm):
            mine = totals(stop_votes=comm.rank == 2)
            vector = mine.pack(())
            comm.allreduce(vector)
            control = make(comm).decide(1, Totals.unpack(vector, ()), 1.0)
            return control.stop, control.checkpoint, control.apply, control.reason

        assert self.on_three_ranks(body) == [(True, True, True, Reason.REQUESTED)] * 3


class TestRequests:
    @pytest.mark.parametrize("number", stop_signals.SIGNALS)
    def test_first_signal_is_a_vote(self, number):
        with listening():
            assert not stop_requested()
            os.kill(os.getpid(), number)
            assert stop_requested()
        assert not stop_requested()

    def test_an_echo_is_the_same_request_and_a_second_one_stops_at_once(self, monkeypatch):
        now = [100.0]
        monkeypatch.setattr(stop_signals, "monotonic", lambda: now[0])
        with listening():
            signal.raise_signal(signal.SIGINT)
            now[0] += 0.9 * stop_signals.SAME_REQUEST_S
            signal.raise_signal(signal.SIGINT)
            now[0] += stop_signals.SAME_REQUEST_S
            with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
                signal.raise_signal(signal.SIGTERM)

    def test_handlers_are_put_back_whatever_happens(self):
        before = [signal.getsignal(number) for number in stop_signals.SIGNALS]
        with pytest.raises(RuntimeError), listening():
            raise RuntimeError
        assert [signal.getsignal(number) for number in stop_signals.SIGNALS] == before

    def test_another_thread_may_enter_and_hears_nothing(self):
        def enter():
            with listening():
                heard.append(stop_requested())

        heard = []
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert heard == [False]

    def test_stop_file_is_obeyed_once(self, tmp_path):
        coordinator = Coordinator(Config(), LocalCommunicator(), STEPS, StopFile(tmp_path, every_s=0.0))
        assert not coordinator.decide(0, totals(), 1.0).stop
        (tmp_path / "STOP").touch()
        assert coordinator.decide(1, totals(), 1.0).reason is Reason.REQUESTED
        assert not (tmp_path / "STOP").exists()
        assert not coordinator.decide(2, totals(), 1.0).stop

    def test_stop_file_is_looked_for_now_and_then(self, tmp_path):
        (tmp_path / "STOP").touch()
        file = StopFile(tmp_path, every_s=1e6)
        assert file.seen()
        (tmp_path / "STOP").touch()
        assert not file.seen()

    def test_a_stop_request_at_the_last_step_is_a_finished_run(self):
        control = make().decide(19, totals(stop_votes=1), 1.0)
        assert control.reason is Reason.FINISHED
