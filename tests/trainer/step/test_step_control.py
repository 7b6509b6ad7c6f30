"""The control is the same on both sides of its vector, and its reasons say how a run ends."""

import pytest

from ddtrain.trainer.step.coordinator import Reason, StepControl


class TestControl:
    @pytest.mark.parametrize("reason", Reason)
    def test_survives_the_vector(self, reason):
        control = StepControl(1 / 3, 0.1, 1e300, apply=False, evaluate=True, checkpoint=False, stop=True, reason=reason)
        assert StepControl.unpack(control.pack()) == control

    def test_every_reason_has_a_text_and_only_a_request_is_no_success(self):
        assert all(bool(reason.text) == bool(reason) for reason in Reason)
        assert {reason: reason.exit_code for reason in Reason if reason.exit_code} == {Reason.REQUESTED: 75}
