"""Checkpoints: ``manager`` writes, keeps and finds them; ``contents`` says what is in one.

``state_json`` checks what state.json may say, ``rank_state`` gathers what each rank alone remembers.
"""
