-- Part: ends the function that `items_begin` began.
-- Needs list
return list
end
