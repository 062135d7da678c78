"""Tests of the stages; those of a room lie in it."""
