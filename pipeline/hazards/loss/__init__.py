"""Who and what an earthquake reached: people by intensity, likely losses, and the facilities that were shaken."""
