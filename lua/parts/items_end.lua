return list
end
