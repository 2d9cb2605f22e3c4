{{ config(enabled=fed_by('grid')) }}
select class.data_class, class.name_zh, class.sharing, class.treatment, class.order_no
from {{ std_in_force('std_data_class', ['data_class']) }} as class
