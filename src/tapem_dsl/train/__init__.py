"""What a training script needs: checks, mean losses, datasets and updates."""
