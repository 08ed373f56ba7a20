"""How sure a hit is: probabilities calibrated by captions whose picture is known."""
