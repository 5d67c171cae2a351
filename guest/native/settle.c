/* Settles memory before the snapshot, so that calls write to few pages of it: each is a page to restore.
 *
 * Objects become immortal: the interpreter no longer counts references to them, which would be a write
 * each. What is part of the snapshot is never freed, so that there is nothing to count.
 *
 * Gaps between them are filled: what calls allocate then lies side by side instead of where something
 * was freed before. */

#include "Python.h"

#define GC_FLAG (1UL << 14)

extern PyTypeObject PyCode_Type, PyDict_Type;

/* What has been made immortal and not yet been looked into. */
static PyObject **waiting;
static size_t length, room;

static int add(PyObject *object, void *unused) {
    (void)unused;
    if (object == NULL || object->ob_refcnt >= MCPBOX_IMMORTAL_LEAST) {
        return 0;
    }
    if (length == room) {
        size_t more = room ? 2 * room : 4096;
        PyObject **moved = PyMem_Realloc(waiting, more * sizeof(PyObject *));
        if (moved == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        waiting = moved;
        room = more;
    }
    object->ob_refcnt = MCPBOX_IMMORTAL_SINCE;
    waiting[length++] = object;
    return 0;
}

/* The interpreter does not look into code, which holds no cycles. */
static int add_of_code(PyObject *code) {
    static const char *const names[] = {
        "co_consts",  "co_names",    "co_varnames",  "co_cellvars",       "co_freevars", "co_name",
        "co_qualname", "co_filename", "co_linetable", "co_exceptiontable", NULL};
    for (size_t number = 0; names[number] != NULL; number++) {
        PyObject *part = PyObject_GetAttrString(code, names[number]);
        if (part == NULL || add(part, NULL) < 0) {
            return -1;
        }
        Py_DECREF(part);
    }
    return 0;
}

/* Nor does it look at texts, which are most of all keys. */
static int add_of_dict(PyObject *dict) {
    Py_ssize_t place = 0;
    PyObject *key, *value;
    while (PyDict_Next(dict, &place, &key, &value)) {
        if (add(key, NULL) < 0 || add(value, NULL) < 0) {
            return -1;
        }
    }
    return 0;
}

static int look_into(PyObject *object) {
    PyTypeObject *type = object->ob_type;
    if (add((PyObject *)type, NULL) < 0) {
        return -1;
    }
    if (type == &PyCode_Type) {
        return add_of_code(object);
    }
    if (type == &PyDict_Type && add_of_dict(object) < 0) {
        return -1;
    }
    /* Types that are static are no objects of the collector, although their type is. */
    if (!(type->tp_flags & GC_FLAG) || type->tp_traverse == NULL ||
        (type->tp_is_gc != NULL && !type->tp_is_gc(object))) {
        return 0;
    }
    return type->tp_traverse(object, add, NULL);
}

static PyObject *immortalize(PyObject *module, PyObject *objects) {
    (void)module;
    Py_ssize_t count = PyList_Size(objects), made = 0;
    int failed = count < 0;
    length = 0;
    for (Py_ssize_t place = 0; place < count && !failed; place++) {
        /* One that is immortal already may lead to others that are not. */
        PyObject *object = PyList_GetItem(objects, place);
        failed = add(object, NULL) < 0 || look_into(object) < 0;
        while (length > 0 && !failed) {
            failed = look_into(waiting[--length]) < 0;
            made++;
        }
    }
    PyMem_Free(waiting);
    waiting = NULL;
    length = room = 0;
    return failed ? NULL : PyLong_FromSsize_t(made);
}

/* Gaps of this many bytes are as good as the end of memory, and stay. */
#define LARGE ((size_t)64 << 10)
#define LARGEST ((size_t)128 << 10)
#define SMALLEST ((size_t)8)

/* The next smaller size to try. */
static size_t below(size_t size) {
    return size - (size > 1024 ? size / 8 : 8);
}

/* A gap of `size` bytes below `end`, or nothing where there is none. */
static void *gap_below(void *end, size_t size) {
    void *gap = PyMem_Malloc(size);
    if (gap > end) {
        PyMem_Free(gap);
        return NULL;
    }
    return gap;
}

/* `room` is what calls may allocate without growing the memory, in bytes. */
static PyObject *fill(PyObject *module, PyObject *room) {
    (void)module;
    size_t bytes = PyLong_AsSize_t(room), filled = 0;
    if (PyErr_Occurred() != NULL) {
        return NULL;
    }
    void *end = PyMem_Malloc(bytes), **gap, **large = NULL;
    if (end == NULL) {
        return PyErr_NoMemory();
    }
    size_t size = LARGEST;
    for (; size >= LARGE; size = below(size)) {
        while ((gap = gap_below(end, size)) != NULL) {
            *gap = large;
            large = gap;
        }
    }
    for (; size >= SMALLEST; size = below(size)) {
        while (gap_below(end, size) != NULL) {
            filled += size;
        }
    }
    while ((gap = large) != NULL) {
        large = *gap;
        PyMem_Free(gap);
    }
    PyMem_Free(end);
    return PyLong_FromSize_t(filled);
}

static PyMethodDef methods[] = {
    {"immortalize", immortalize, METH_O, "Count no references to objects of a list and what they lead to."},
    {"fill", fill, METH_O, "Fill the gaps of memory, and have so many bytes at its end."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_settle", "Settles memory before the snapshot.", -1, methods,
    NULL,                  NULL,      NULL,                                  NULL,
};

PyMODINIT_FUNC PyInit__settle(void) {
    return PyModule_Create(&definition);
}
