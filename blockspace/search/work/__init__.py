"""Where trainings run: worker processes, what they are given, what they say of themselves and give back."""
