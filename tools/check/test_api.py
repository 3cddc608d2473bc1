#!/usr/bin/env python3
"""api.py notices what it is there for."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import api  # noqa: E402

TAKES = '/* Sentence. */\nKITH_API void kith_f(const kith_s *s);\n'
HANDS_OUT = '/* Sentence. */\nKITH_API void kith_f(const kith_s **out);\n'


def struct(fields, comment='', name='kith_s'):
    return f'{comment}typedef struct {name} {{\n{fields}\n}} {name};\n'


class Api(unittest.TestCase):
    def accepts(self, text):
        self.assertEqual(api.check(text), [])

    def refuses(self, text):
        self.assertEqual(len(api.check(text)), 1, text)

    def test_each_function_has_a_comment_directly_above(self):
        self.accepts('/* Sentence. */\nKITH_API int kith_f(void);\n')
        self.refuses('KITH_API int kith_f(void);\n')
        self.refuses('/* Sentence. */\nKITH_API int kith_f(void);\nKITH_API int kith_g(void);\n')
        self.refuses('/* Sentence. */\nKITH_API int kith_f(void); /* or -1 */\n')

    def test_a_struct_that_a_function_takes_begins_with_its_size(self):
        self.accepts(struct('    /* set */\n    size_t size;\n    int x;') + TAKES)
        self.accepts(struct('    int x;') + HANDS_OUT)
        self.accepts(struct('    int x;', '/* A point. Never\n * grows. */\n') + TAKES)
        self.accepts(struct('    int x;', '/* A point. Only kith\n * makes one. */\n') + TAKES)
        self.refuses(struct('    int x;', '/* A point. */\n') + TAKES)
        self.refuses(struct('    int x;\n    size_t size;') + TAKES)
        self.accepts(struct('    int x;\n    /* set; 0: nothing stands behind it */\n    size_t size;') + TAKES)

    def test_an_array_of_structs_says_how_long_they_are(self):
        element = struct('    int x;', name='kith_item')
        self.refuses(element + struct('    size_t size;\n    const kith_item *items;'))
        self.accepts(element + struct('    size_t size;\n    const kith_item *items;\n    size_t item_size;'))


unittest.main()
