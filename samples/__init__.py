"""The originals of the sample city, and the stand-in that delivers them."""
