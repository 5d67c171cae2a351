/* The part of CPython 3.14's C interface that the package `regex` uses, for wasm32 with one thread.
 *
 * The interpreter that runs inside the sandbox comes without headers. What is a macro or an inline
 * function in CPython's own is, where possible, a call of the exported function here, so that only
 * the layouts below depend on the version: they are those of a release build of 3.14.
 */

#ifndef MCPBOX_PYTHON_H
#define MCPBOX_PYTHON_H

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PY_VERSION_HEX 0x030E0000
#define Py_VERSION_HEX PY_VERSION_HEX

typedef int32_t Py_ssize_t;
typedef Py_ssize_t Py_hash_t;
typedef uint8_t Py_UCS1;
typedef uint16_t Py_UCS2;
typedef uint32_t Py_UCS4;
#define PY_SSIZE_T_MAX INT32_MAX

/* The clock of `timeout=`: a tick of a millisecond, so that days fit into a Py_ssize_t. */
static inline clock_t mcpbox_ticks(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (clock_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
#define clock mcpbox_ticks
#undef CLOCKS_PER_SEC
#define CLOCKS_PER_SEC ((clock_t)1000)

/* Objects. */

typedef struct _typeobject PyTypeObject;
typedef struct _object {
    Py_ssize_t ob_refcnt;
    PyTypeObject *ob_type;
} PyObject;
typedef struct {
    PyObject ob_base;
    Py_ssize_t ob_size;
} PyVarObject;

/* A count that is never changed, as static objects have it. */
#define MCPBOX_IMMORTAL ((Py_ssize_t)0x70000000)
/* The same for others, and the least that is no count. */
#define MCPBOX_IMMORTAL_SINCE ((Py_ssize_t)0x50000000)
#define MCPBOX_IMMORTAL_LEAST ((Py_ssize_t)0x40000000)
#define PyObject_HEAD PyObject ob_base;
#define PyVarObject_HEAD_INIT(type, size) {{MCPBOX_IMMORTAL, (type)}, (size)},

typedef void (*destructor)(PyObject *);
typedef void (*freefunc)(void *);
typedef int (*visitproc)(PyObject *, void *);
typedef int (*traverseproc)(PyObject *, visitproc, void *);
typedef int (*inquiry)(PyObject *);
typedef int (*initproc)(PyObject *, PyObject *, PyObject *);
typedef Py_ssize_t (*lenfunc)(PyObject *);
typedef Py_hash_t (*hashfunc)(PyObject *);
typedef PyObject *(*reprfunc)(PyObject *);
typedef PyObject *(*getter)(PyObject *, void *);
typedef int (*setter)(PyObject *, PyObject *, void *);
typedef PyObject *(*getiterfunc)(PyObject *);
typedef PyObject *(*iternextfunc)(PyObject *);
typedef PyObject *(*binaryfunc)(PyObject *, PyObject *);
typedef PyObject *(*ternaryfunc)(PyObject *, PyObject *, PyObject *);
typedef PyObject *(*richcmpfunc)(PyObject *, PyObject *, int);
typedef PyObject *(*getattrofunc)(PyObject *, PyObject *);
typedef int (*objobjargproc)(PyObject *, PyObject *, PyObject *);
typedef PyObject *(*allocfunc)(PyTypeObject *, Py_ssize_t);
typedef PyObject *(*newfunc)(PyTypeObject *, PyObject *, PyObject *);
typedef PyObject *(*PyCFunction)(PyObject *, PyObject *);

typedef struct {
    const char *ml_name;
    PyCFunction ml_meth;
    int ml_flags;
    const char *ml_doc;
} PyMethodDef;
#define METH_VARARGS 0x01
#define METH_KEYWORDS 0x02
#define METH_NOARGS 0x04
#define METH_O 0x08
#define METH_CLASS 0x10
#define METH_STATIC 0x20
#define METH_COEXIST 0x40

typedef struct {
    const char *name;
    int type;
    Py_ssize_t offset;
    int flags;
    const char *doc;
} PyMemberDef;
#define T_OBJECT 6
#define T_BOOL 14
#define T_PYSSIZET 19
#define READONLY 1

typedef struct {
    const char *name;
    getter get;
    setter set;
    const char *doc;
    void *closure;
} PyGetSetDef;

typedef struct {
    lenfunc mp_length;
    binaryfunc mp_subscript;
    objobjargproc mp_ass_subscript;
} PyMappingMethods;

struct _typeobject {
    PyVarObject ob_base;
    const char *tp_name;
    Py_ssize_t tp_basicsize, tp_itemsize;
    destructor tp_dealloc;
    Py_ssize_t tp_vectorcall_offset;
    void *tp_getattr, *tp_setattr, *tp_as_async;
    reprfunc tp_repr;
    void *tp_as_number, *tp_as_sequence;
    PyMappingMethods *tp_as_mapping;
    hashfunc tp_hash;
    ternaryfunc tp_call;
    reprfunc tp_str;
    getattrofunc tp_getattro;
    objobjargproc tp_setattro;
    void *tp_as_buffer;
    unsigned long tp_flags;
    const char *tp_doc;
    traverseproc tp_traverse;
    inquiry tp_clear;
    richcmpfunc tp_richcompare;
    Py_ssize_t tp_weaklistoffset;
    getiterfunc tp_iter;
    iternextfunc tp_iternext;
    PyMethodDef *tp_methods;
    PyMemberDef *tp_members;
    PyGetSetDef *tp_getset;
    PyTypeObject *tp_base;
    PyObject *tp_dict;
    ternaryfunc tp_descr_get;
    objobjargproc tp_descr_set;
    Py_ssize_t tp_dictoffset;
    initproc tp_init;
    allocfunc tp_alloc;
    newfunc tp_new;
    freefunc tp_free;
    inquiry tp_is_gc;
    PyObject *tp_bases, *tp_mro, *tp_cache;
    void *tp_subclasses;
    PyObject *tp_weaklist;
    destructor tp_del;
    unsigned int tp_version_tag;
    destructor tp_finalize;
    void *tp_vectorcall;
    unsigned char tp_watched;
    uint16_t tp_versions_used;
    /* Room, should a later patch release of the interpreter write more. */
    uint32_t spare[4];
};
#define Py_TPFLAGS_DEFAULT 0UL

extern PyTypeObject PyUnicode_Type, PyBytes_Type, PyTuple_Type, PySlice_Type;
extern PyObject _Py_NoneStruct, _Py_TrueStruct, _Py_FalseStruct;
#define Py_None (&_Py_NoneStruct)
#define Py_True (&_Py_TrueStruct)
#define Py_False (&_Py_FalseStruct)
#define Py_RETURN_NONE return Py_None

static inline bool mcpbox_is(const void *object, int flag) {
    return ((const PyObject *)object)->ob_type->tp_flags & (1UL << flag);
}
#define PyLong_Check(object) mcpbox_is(object, 24)
#define PyBytes_Check(object) mcpbox_is(object, 27)
#define PyUnicode_Check(object) mcpbox_is(object, 28)
#define MCPBOX_EXACT(object, type) (((PyObject *)(object))->ob_type == &(type))
#define PyUnicode_CheckExact(object) MCPBOX_EXACT(object, PyUnicode_Type)
#define PyBytes_CheckExact(object) MCPBOX_EXACT(object, PyBytes_Type)
#define PyTuple_CheckExact(object) MCPBOX_EXACT(object, PyTuple_Type)
#define PySlice_Check(object) MCPBOX_EXACT(object, PySlice_Type)

void Py_IncRef(PyObject *);
void Py_DecRef(PyObject *);
#define Py_INCREF(object) Py_IncRef((PyObject *)(object))
#define Py_XINCREF(object) Py_IncRef((PyObject *)(object))
#define Py_DECREF(object) Py_DecRef((PyObject *)(object))
#define Py_XDECREF(object) Py_DecRef((PyObject *)(object))
#define Py_CLEAR(object)                                                                           \
    do {                                                                                           \
        PyObject *cleared = (PyObject *)(object);                                                  \
        (object) = NULL;                                                                           \
        Py_DecRef(cleared);                                                                        \
    } while (0)

PyObject *_PyObject_New(PyTypeObject *);
void PyObject_Free(void *);
#define PyObject_NEW(kind, type) ((kind *)_PyObject_New(type))
#define PyObject_DEL(object) PyObject_Free(object)
int PyType_Ready(PyTypeObject *);
int PyCallable_Check(PyObject *);
void PyObject_ClearWeakRefs(PyObject *);
PyObject *PyObject_Call(PyObject *, PyObject *, PyObject *);
PyObject *PyObject_CallMethod(PyObject *, const char *, const char *, ...);
PyObject *PyObject_CallObject(PyObject *, PyObject *);
PyObject *PyObject_GetAttrString(PyObject *, const char *);
PyObject *PyObject_GetItem(PyObject *, PyObject *);
PyObject *PyObject_Repr(PyObject *);
PyObject *Py_GenericAlias(PyObject *, PyObject *);

/* Texts. The first bits of the state: interned (2), size of a character (3), compact, ASCII. */

typedef struct {
    PyObject_HEAD
    Py_ssize_t length;
    Py_hash_t hash;
    uint32_t state;
} MCPBOX_ASCII;
typedef struct {
    MCPBOX_ASCII ascii;
    Py_ssize_t utf8_length;
    char *utf8;
} MCPBOX_COMPACT;
typedef struct {
    MCPBOX_COMPACT compact;
    void *characters;
} MCPBOX_TEXT;
enum { PyUnicode_1BYTE_KIND = 1, PyUnicode_2BYTE_KIND = 2, PyUnicode_4BYTE_KIND = 4 };
#define PyUnicode_READY(object) 0
#define PyUnicode_KIND(object) ((((MCPBOX_ASCII *)(object))->state >> 2) & 7)
static inline void *PyUnicode_DATA(PyObject *object) {
    uint32_t state = ((MCPBOX_ASCII *)object)->state;
    if (!(state & (1 << 5)))
        return ((MCPBOX_TEXT *)object)->characters;
    return (char *)object + (state & (1 << 6) ? sizeof(MCPBOX_ASCII) : sizeof(MCPBOX_COMPACT));
}
static inline Py_UCS4 Py_UNICODE_TOLOWER(Py_UCS4 character) {
    extern Py_UCS4 _PyUnicode_ToLowercase(Py_UCS4);
    return _PyUnicode_ToLowercase(character);
}
PyObject *PyUnicode_FromKindAndData(int, const void *, Py_ssize_t);
PyObject *PyUnicode_FromObject(PyObject *);
PyObject *PyUnicode_FromString(const char *);
PyObject *PyUnicode_Join(PyObject *, PyObject *);
PyObject *PyUnicode_New(Py_ssize_t, Py_UCS4);
PyObject *PyUnicode_Substring(PyObject *, Py_ssize_t, Py_ssize_t);
Py_ssize_t PyUnicode_GetLength(PyObject *);

/* Bytes, buffers, numbers. */

typedef struct {
    void *buf;
    PyObject *obj;
    Py_ssize_t len, itemsize;
    int readonly, ndim;
    char *format;
    Py_ssize_t *shape, *strides, *suboffsets;
    void *internal;
} Py_buffer;
#define PyBUF_SIMPLE 0
int PyObject_GetBuffer(PyObject *, Py_buffer *, int);
void PyBuffer_Release(Py_buffer *);
PyObject *PyBytes_FromObject(PyObject *);
PyObject *PyBytes_FromString(const char *);
PyObject *PyBytes_FromStringAndSize(const char *, Py_ssize_t);
char *PyBytes_AsString(PyObject *);
Py_ssize_t PyBytes_Size(PyObject *);
#define PyBytes_GET_SIZE(object) PyBytes_Size(object)
double PyFloat_AsDouble(PyObject *);
long PyLong_AsLong(PyObject *);
unsigned long PyLong_AsUnsignedLong(PyObject *);
size_t PyLong_AsSize_t(PyObject *);
PyObject *PyLong_FromLong(long);
PyObject *PyLong_FromSize_t(size_t);
PyObject *PyLong_FromSsize_t(Py_ssize_t);
PyObject *PyLong_FromString(const char *, char **, int);
PyObject *PyLong_FromUnicodeObject(PyObject *, int);

/* Collections. */

int PyDict_Contains(PyObject *, PyObject *);
PyObject *PyDict_Copy(PyObject *);
PyObject *PyDict_GetItem(PyObject *, PyObject *);
int PyDict_GetItemRef(PyObject *, PyObject *, PyObject **);
PyObject *PyDict_New(void);
int PyDict_Next(PyObject *, Py_ssize_t *, PyObject **, PyObject **);
int PyDict_SetItem(PyObject *, PyObject *, PyObject *);
int PyDict_SetItemString(PyObject *, const char *, PyObject *);
Py_ssize_t PyDict_Size(PyObject *);
int PyList_Append(PyObject *, PyObject *);
PyObject *PyList_AsTuple(PyObject *);
PyObject *PyList_GetItem(PyObject *, Py_ssize_t);
PyObject *PyList_New(Py_ssize_t);
int PyList_Reverse(PyObject *);
int PyList_SetItem(PyObject *, Py_ssize_t, PyObject *);
Py_ssize_t PyList_Size(PyObject *);
PyObject *PyMapping_Keys(PyObject *);
PyObject *PyMapping_Values(PyObject *);
PyObject *PySequence_GetSlice(PyObject *, Py_ssize_t, Py_ssize_t);
int PySlice_GetIndicesEx(PyObject *, Py_ssize_t, Py_ssize_t *, Py_ssize_t *, Py_ssize_t *,
                         Py_ssize_t *);
PyObject *PyTuple_GetItem(PyObject *, Py_ssize_t);
PyObject *PyTuple_New(Py_ssize_t);
PyObject *PyTuple_Pack(Py_ssize_t, ...);
int PyTuple_SetItem(PyObject *, Py_ssize_t, PyObject *);
Py_ssize_t PyTuple_Size(PyObject *);
#define PyTuple_SET_ITEM(tuple, place, item) ((void)PyTuple_SetItem(tuple, place, item))

/* Arguments, errors, memory, modules. */

int PyArg_ParseTuple(PyObject *, const char *, ...);
int PyArg_ParseTupleAndKeywords(PyObject *, PyObject *, const char *, char **, ...);
PyObject *Py_BuildValue(const char *, ...);
int PyErr_CheckSignals(void);
void PyErr_Clear(void);
PyObject *PyErr_Format(PyObject *, const char *, ...);
PyObject *PyErr_NoMemory(void);
PyObject *PyErr_Occurred(void);
void PyErr_SetString(PyObject *, const char *);
extern PyObject *PyExc_IndexError, *PyExc_KeyboardInterrupt, *PyExc_RuntimeError,
    *PyExc_TimeoutError, *PyExc_TypeError, *PyExc_ValueError;
void *PyMem_Malloc(size_t);
void *PyMem_Realloc(void *, size_t);
void PyMem_Free(void *);

typedef struct PyModuleDef {
    PyObject ob_base;
    PyObject *(*m_init)(void);
    Py_ssize_t m_index;
    PyObject *m_copy;
    const char *m_name;
    const char *m_doc;
    Py_ssize_t m_size;
    PyMethodDef *m_methods;
    void *m_slots;
    traverseproc m_traverse;
    inquiry m_clear;
    freefunc m_free;
} PyModuleDef;
#define PyModuleDef_HEAD_INIT {MCPBOX_IMMORTAL, NULL}, NULL, 0, NULL
PyObject *PyImport_ImportModule(const char *);
PyObject *PyModule_Create2(PyModuleDef *, int);
#define PyModule_Create(definition) PyModule_Create2(definition, 1013)
PyObject *PyModule_GetDict(PyObject *);

/* Threads, of which there is one. */

typedef struct _ts PyThreadState;
typedef void *PyThread_type_lock;
PyThreadState *PyEval_SaveThread(void);
void PyEval_RestoreThread(PyThreadState *);
PyThread_type_lock PyThread_allocate_lock(void);
int PyThread_acquire_lock(PyThread_type_lock, int);
void PyThread_release_lock(PyThread_type_lock);
void PyThread_free_lock(PyThread_type_lock);

#define PyDoc_STR(text) text
#define PyDoc_STRVAR(name, text) static const char name[] = text
#define PyMODINIT_FUNC __attribute__((visibility("default"))) PyObject *
#define Py_LOCAL_INLINE(type) static inline type
#define Py_MEMCPY memcpy

#endif
