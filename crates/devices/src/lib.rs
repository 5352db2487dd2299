//! Cameras, microphones and speakers, real and synthetic.
