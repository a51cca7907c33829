"""Words that two rooms share: ids, identity, kinds, attributes, events, people, matches, triggers, errors, clock.

The ground floor: values without behaviour beyond their own laws. It knows no technology, reads no clock and no setting.
"""
