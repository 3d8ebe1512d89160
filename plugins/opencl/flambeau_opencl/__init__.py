"""An OpenCL device for Flambeau; importing this package does nothing. The backend is
`flambeau_opencl.backend:OpenCL`, which manifest.json names."""
