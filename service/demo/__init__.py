"""`reachpoint demo`: the main job on a synthetic force, through the same doors that real feeds use."""
