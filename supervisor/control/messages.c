/* messages.c - one JSON object, read with bounds, and written. */
#include "config.h"

#include <string.h>

#include "supervisor/control/control.h"

int message_parse(const char *text, size_t n, struct json_object **ret)
{
        struct json_tokener *tokener;
        struct json_object *o;
        enum json_tokener_error e;
        size_t end;

        if (n == 0 || n > CONTROL_MESSAGE_MAX)
                return -EBADMSG;
        tokener = json_tokener_new_ex(CONTROL_DEPTH_MAX);
        if (!tokener)
                return -ENOMEM;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        o = json_tokener_parse_ex(tokener, text, (int)n);
        e = json_tokener_get_error(tokener);
        end = json_tokener_get_parse_end(tokener);
        json_tokener_free(tokener);
        /* White space may follow, and nothing else. */
        while (e == json_tokener_success && end < n && strchr(" \t\r\n", text[end]) && text[end])
                end++;
        if (e != json_tokener_success || end != n || !json_object_is_type(o, json_type_object)) {
                json_object_put(o);
                return -EBADMSG;
        }
        *ret = o;
        return 0;
}

void message_append(struct buffer *out, struct json_object *message)
{
        size_t n = 0;
        const char *text = json_object_to_json_string_length(
                message, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

        if (text)
                buffer_append(out, text, n + 1);
        else
                out->failed = true;
}
