"""What changes the parameters: datasets, optimizers, schedules and the training loops."""
